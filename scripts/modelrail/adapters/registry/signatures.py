"""Signing tags and ledger commits as git does, by ssh-keygen or gpg; and checking who signed.

Who may sign stands in one file: lines as in git's `gpg.ssh.allowedSignersFile`, and public OpenPGP keys in
their armour. Git's own `git verify-tag` and `git verify-commit` read the same signatures.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from modelrail.adapters.git import Git
from modelrail.config import resolved as config
from modelrail.core.registry import signed
from modelrail.core.registry.objects import Sign
from modelrail.errors import NotFoundError, SignatureError, ToolMissingError, UnavailableError
from modelrail.settings import Settings

TIMEOUT = 120.0  # seconds; a person may have to touch a key
LAST_TIME = 253_402_000_000  # before the year 10000, which no calendar here can write
NAMESPACE = "git"  # of SSH signatures: one for Git objects is none for anything else
_PGP_KEY = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----\n?", re.DOTALL
)

Status = Literal["good", "unsigned", "unknown", "bad"]


class Verdict(Struct, frozen=True):
    """`good`: signed by `signer`, who is allowed. `unknown`: a signature by nobody of the list."""

    status: Status
    signer: str = ""
    detail: str = ""


# --- signing ---------------------------------------------------------------------------------------------


def signer(git: Git, settings: Settings, asked: config.Signing | None = None) -> Sign | None:
    """What signs an object's bytes, or None when nothing asks for signatures.

    Asked are modelrail.yaml (`signing:`), a key in the environment, and git's own `tag.gpgSign`. Raises
    SignatureError when it must be signed and there is no key.
    """
    secret = settings.signing_key.reveal()
    if asked is None and not secret and not _wanted(git):
        return None
    kind = asked.format if asked else None
    if kind is None:
        told = git.setting("gpg.format") or "openpgp"
        kind = "ssh" if told == "ssh" or (secret and "OPENSSH PRIVATE KEY" in secret) else "gpg"
    key = (asked.key if asked else None) or git.setting("user.signingkey")
    if not key and not secret:
        if asked is not None and not asked.required:
            return None
        raise SignatureError(
            "The registry wants signed tags, and there is no key to sign with.",
            next="Set the secret MODELRAIL_SIGNING_KEY, or git config user.signingKey, or signing.key.",
        )
    program = _program(git, kind)

    def sign(payload: bytes) -> str:
        with _key_at_hand(kind, key, secret, settings) as (name, env):
            if kind == "gpg":
                command = [program, "--batch", "--status-fd=2", "-bsa", "-u", name]
            else:
                agent = ["-U"] if name.endswith(".agent") else []
                command = [program, "-Y", "sign", "-n", NAMESPACE, "-f", name, *agent]
            done = _run(command, payload, env)
        text = done.stdout.decode("ascii", "replace")
        if done.returncode or "-----BEGIN" not in text:
            raise SignatureError(
                f"The tag could not be signed with {Path(program).name}.",
                why=_words(done.stderr),
                next="Check the key; nothing was pushed.",
            )
        return text if text.endswith("\n") else text + "\n"

    return sign


def checked(sign: Sign, signers: Signers) -> Sign:
    """Signs as `sign` does, and holds what it made of a tag against the allowed signers.

    A tag is for ever: one that nobody may rely on is not made. Raises SignatureError.
    """

    def signed_by_one_of_them(payload: bytes) -> str:
        text = sign(payload)
        verdict = signers.verify(payload + text.encode()) if payload.startswith(b"object ") else None
        if verdict is not None and verdict.status != "good":
            raise SignatureError(
                f"The tag would be {describe(verdict)}; nothing was written.",
                why="The policy wants signatures of allowed signers (signing.required).",
                next="Sign with a key of the list, or add the signer to the list.",
            )
        return text

    return signed_by_one_of_them


def _wanted(git: Git) -> bool:
    """Whether git's own configuration wants tags signed: what git takes for true."""
    said = git.setting("tag.gpgsign").lower()
    return said in {"true", "yes", "on"} or (said.isdecimal() and int(said) != 0)


def _program(git: Git, kind: Literal["ssh", "gpg"]) -> str:
    if kind == "ssh":
        return git.setting("gpg.ssh.program") or "ssh-keygen"
    return git.setting("gpg.openpgp.program") or git.setting("gpg.program") or "gpg"


@contextlib.contextmanager
def _key_at_hand(
    kind: Literal["ssh", "gpg"], key: str, secret: str, settings: Settings
) -> Iterator[tuple[str, dict[str, str]]]:
    """The key as the program wants it named, and its environment. A secret is a file only while it signs."""
    env = settings.child_environ()
    if not secret:
        literal = key.removeprefix("key::")
        if kind == "gpg" or not literal.startswith(("ssh-", "ecdsa-", "sk-")):
            place = Path(key).expanduser() if kind == "ssh" else None
            yield (str(settings.workspace / place) if place else key), env
            return
        with _scratch("key") as folder:
            named = folder / "key.agent"  # a public key; the agent holds the private one
            named.write_text(literal + "\n", encoding="utf-8")
            yield str(named), env
        return
    with _scratch("key") as folder:
        place = folder / "key"
        place.touch(mode=0o600)
        place.write_text(secret.replace("\r\n", "\n").rstrip("\n") + "\n", encoding="utf-8")
        if kind == "ssh":
            yield str(place), env
            return
        env["GNUPGHOME"] = str(folder)
        done = _run(["gpg", "--batch", "--quiet", "--import", str(place)], b"", env)
        listed = _run(["gpg", "--batch", "--with-colons", "--list-secret-keys"], b"", env)
        found = re.search(rb"^fpr:::::::::([0-9A-F]{40}):", listed.stdout, re.MULTILINE)
        try:
            if done.returncode or not found:
                raise SignatureError("MODELRAIL_SIGNING_KEY is no OpenPGP key.", why=_words(done.stderr))
            yield found[1].decode(), env
        finally:
            _end_agent(env)


def _end_agent(env: dict[str, str]) -> None:
    """Gpg leaves an agent behind for its home, which goes away now."""
    with contextlib.suppress(ToolMissingError, UnavailableError):
        _run(["gpgconf", "--kill", "all"], b"", env)


def _run(command: Sequence[str], data: bytes, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            command, input=data, capture_output=True, timeout=TIMEOUT, check=False, env=env | {"LC_ALL": "C"}
        )
    except FileNotFoundError:
        raise ToolMissingError(
            f"{command[0]} is not installed; it makes and checks the signatures of tags."
        ) from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{command[0]} did not answer within {TIMEOUT:.0f} s.") from None


def _words(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return " ".join(line for line in lines if not line.startswith("[GNUPG:]"))[:500]


# --- checking --------------------------------------------------------------------------------------------


class Signers:
    """Who may sign. Made by `allowed`; one of them checks any number of objects."""

    def __init__(self, ssh: Path | None, gpg_home: Path | None, environ: dict[str, str]) -> None:
        self._ssh, self._home, self._environ = ssh, gpg_home, environ

    def verify(self, data: bytes) -> Verdict:
        """Whether a tag or commit object was signed by one of them."""
        found = signed.take_apart(data)
        if found.kind is None:
            return Verdict("unsigned")
        if found.kind == "ssh":
            return self._ssh_verdict(found)
        return self._gpg_verdict(found)

    def _ssh_verdict(self, found: signed.Signed) -> Verdict:
        if self._ssh is None:
            return Verdict("unknown", detail="the list names no SSH key")
        with _as_file(found.signature) as signature:
            # Keys can be allowed for a while only: what counts is when it was signed, as for git. In local
            # time, as git says it: OpenSSH before 9.1 knows no other.
            moment = time.strftime("%Y%m%d%H%M%S", time.localtime(min(found.time, LAST_TIME)))
            common = ["-s", str(signature), "-f", str(self._ssh), f"-Overify-time={moment}"]
            who = _run(["ssh-keygen", "-Y", "find-principals", *common], b"", self._environ)
            names = [line.partition(",")[0] for line in who.stdout.decode("utf-8", "replace").split("\n")]
            names = [name.strip() for name in names if name.strip()]
            if who.returncode or not names:
                return self._not_found(signature, found.payload)
            said = ""
            for name in names:  # one key may stand in several lines, and not in each for Git
                done = _run(
                    ["ssh-keygen", "-Y", "verify", "-n", NAMESPACE, "-I", name, *common],
                    found.payload,
                    self._environ,
                )
                if done.returncode == 0:
                    return Verdict("good", name)
                said = said or _words(done.stderr)
        return Verdict("bad", names[0], said)

    def _not_found(self, signature: Path, payload: bytes) -> Verdict:
        """Nobody of the list: the signature of somebody else, or one that is broken altogether."""
        check = ["ssh-keygen", "-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature)]
        done = _run(check, payload, self._environ)
        return Verdict("unknown" if done.returncode == 0 else "bad", detail=_words(done.stdout))

    def _gpg_verdict(self, found: signed.Signed) -> Verdict:
        if self._home is None:
            return Verdict("unknown", detail="the list names no OpenPGP key")
        env = self._environ | {"GNUPGHOME": str(self._home)}
        with _as_file(found.signature) as signature:
            command = [
                "gpg",
                "--batch",
                "--status-fd=1",
                "--trust-model=always",
                "--verify",
                str(signature),
                "-",
            ]
            done = _run(command, found.payload, env)
        said = done.stdout.decode("utf-8", "replace")
        good = re.search(r"^\[GNUPG:\] (GOOD|EXPKEY)SIG \S+ (.*)$", said, re.MULTILINE)
        valid = re.search(r"^\[GNUPG:\] VALIDSIG \S+ \S+ (\d+) ", said, re.MULTILINE)
        if done.returncode == 0 and good and valid:
            # A key that has expired since signed well while it had not, as with SSH.
            ends = [int(end) for end in re.findall(r"^\[GNUPG:\] KEYEXPIRED (\d+)", said, re.MULTILINE)]
            if good[1] == "GOOD" or (ends and int(valid[1]) < min(ends)):
                return Verdict("good", good[2])
            return Verdict("bad", good[2], "the key had expired when it signed")
        if "[GNUPG:] NO_PUBKEY" in said:
            return Verdict("unknown", detail=_words(done.stderr))
        return Verdict("bad", detail=_words(done.stderr))


@contextlib.contextmanager
def _scratch(what: str) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    import tempfile  # few writes are signed, and all of them would wait for it

    with tempfile.TemporaryDirectory(prefix=f"modelrail-{what}-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def _as_file(data: bytes) -> Iterator[Path]:
    with _scratch("signature") as folder:
        place = folder / "signature"
        place.write_bytes(data)
        yield place


@contextlib.contextmanager
def allowed(file: Path, settings: Settings) -> Iterator[Signers]:
    """The allowed signers of a file. Raises NotFoundError, SignatureError."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise NotFoundError(
            f"The file of allowed signers, {file.name}, cannot be read.",
            next="Lines like git's gpg.ssh.allowedSignersFile:  name@example.org ssh-ed25519 AAAA...",
        ) from None
    keys = "".join(_PGP_KEY.findall(text))
    lines = [line for line in _PGP_KEY.sub("", text).splitlines() if line.strip() and line.lstrip()[0] != "#"]
    if not keys and not lines:
        raise SignatureError(f"{file.name} names no signer.")
    environ = settings.child_environ()
    with _scratch("signers") as folder:
        ssh = home = None
        if lines:
            ssh = folder / "allowed"
            ssh.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if keys:
            home = folder / "gnupg"
            home.mkdir(mode=0o700)
            env = environ | {"GNUPGHOME": str(home)}
            done = _run(["gpg", "--batch", "--quiet", "--import"], keys.encode(), env)
            if done.returncode:
                raise SignatureError(
                    f"{file.name} holds an OpenPGP key that gpg refuses.", why=_words(done.stderr)
                )
        try:
            yield Signers(ssh, home, environ)
        finally:
            if home is not None:
                _end_agent(environ | {"GNUPGHOME": str(home)})


def objects(git: Git, oids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of tags and commits, by one process."""
    if not oids:
        return
    out = git.run("cat-file", "--batch", data="".join(f"{oid}\n" for oid in oids).encode(), network=True)
    at = 0
    for oid in oids:
        end = out.index(b"\n", at)
        fields = out[at:end].split()
        if len(fields) != 3 or fields[0].decode() != oid:
            raise SignatureError(f"The object {oid} is not in this repository.", next="Run it with --fetch.")
        size = int(fields[2])
        yield oid, out[end + 1 : end + 1 + size]
        at = end + 2 + size


def require(git: Git, oid: str, tag: str, signers: Signers) -> str:
    """A tag object is signed by one of them; returns who. Raises SignatureError."""
    verdict = signers.verify(git.run("cat-file", "tag", oid))
    if verdict.status != "good":
        raise SignatureError(
            f"{tag} is {describe(verdict)}.",
            why="The policy wants signatures of allowed signers (signing.required).",
            next="Register it again with a key of the list, or add the signer to the list.",
        )
    return verdict.signer


def describe(verdict: Verdict) -> str:
    return {
        "good": f"signed by {verdict.signer}",
        "unsigned": "not signed",
        "unknown": "signed by nobody of the allowed signers",
        "bad": f"signed, but the signature does not fit{f' ({verdict.detail})' if verdict.detail else ''}",
    }[verdict.status]
