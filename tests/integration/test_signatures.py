"""Signed tags and ledger commits: made like git's own, read by git, and checked against allowed signers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from modelrail import settings
from modelrail.adapters.registry import signatures
from modelrail.core.registry import signed
from support_git import run_git
from support_registry import CONFIG, Project, project

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen")


def new_key(place: Path, name: str) -> Path:
    key = place / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return key


def line(key: Path, who: str) -> str:
    kind, data, _ = key.with_suffix(".pub").read_text().split()
    return f"{who} {kind} {data}\n"


POLICY = CONFIG + "signing: {format: ssh, signers: signers, required: true}\n"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    new_key(folder, "octo")
    new_key(folder, "stranger")
    return folder


@pytest.fixture
def signing(tmp_path: Path, keys: Path) -> Project:
    """A consumer whose policy wants signatures; octo may sign, by a secret as in a workflow."""
    found = project(tmp_path, POLICY)
    (found.root / "signers").write_text("# who may sign\n" + line(keys / "octo", "octo@example.org"))
    found.commit("signers")
    found.environ["MODELRAIL_SIGNING_KEY"] = (keys / "octo").read_text()
    return found


def raw(found: Project, name: str) -> bytes:
    kind = found.git("cat-file", "-t", name)
    return subprocess.run(
        ["git", "cat-file", kind, name], cwd=found.root, capture_output=True, check=True
    ).stdout


def test_tags_and_ledger_commits_are_signed_as_git_does(signing: Project) -> None:
    signing.release("one")
    run_git(signing.root, "config", "gpg.ssh.allowedSignersFile", str(signing.root / "signers"))
    for tag in ("delay@v1.0.0", "delay#staging#1"):
        signing.git("verify-tag", tag)
    for commit in signing.git("log", "--format=%H", "refs/modelrail/ledger/tip").split():
        signing.git("verify-commit", commit)
    assert signed.take_apart(raw(signing, "delay@v1.0.0")).kind == "ssh"
    # A signature below the message is no part of it.
    assert signing.run("which", "delay", "--format", "model_digest").out.startswith("sha256:")


def test_verify_names_who_may_not_sign(signing: Project, keys: Path, tmp_path: Path) -> None:
    signing.release("one")
    assert signing.run("verify", "--signers", "signers")
    (tmp_path / "others").write_text(line(keys / "stranger", "stranger@example.org"))
    said = signing.run("verify", "--signers", str(tmp_path / "others"), code=26)
    assert "delay@v1.0.0" in said.out
    assert "signed by nobody of the allowed signers" in said.out


def test_a_version_of_a_stranger_does_not_enter(signing: Project, keys: Path) -> None:
    """Nor is one registered by a key that the policy does not know: the tag would be for ever."""
    signing.train("one")
    stranger = {"MODELRAIL_SIGNING_KEY": (keys / "stranger").read_text()}
    refused = signing.run("register", env=stranger, code=26)
    assert "signed by nobody of the allowed signers" in refused.err
    assert not [tag for tag in signing.remote_tags() if tag.startswith("delay")]
    before = (signing.root / "modelrail.yaml").read_text()
    (signing.root / "modelrail.yaml").write_text(before.replace("required: true", "required: false"))
    signing.run("register", env=stranger)
    (signing.root / "modelrail.yaml").write_text(before)
    refused = signing.run(
        "promote", "delay", "v1.0.0", "--evidence", signing.evidence_file(), code=26
    )  # fmt: skip
    assert "delay@v1.0.0 is signed by nobody of the allowed signers" in refused.err
    # What is there already can be taken out.
    signing.run("unassign", "delay", "--stage", "staging", "--reason", "a stranger's")
    signing.release("two")
    signing.run("promote", "delay", "v1.0.1", "--evidence", signing.evidence_file())
    (finding, *_), oid = signing.run(
        "verify", "--signers", "signers", "--json", code=26
    ).json["findings"], signing.remote_tags()["delay#staging#1"]  # fmt: skip
    assert (finding["subject"], finding["found"]) == ("delay#staging#1", oid)


def test_a_key_counts_while_it_is_allowed(signing: Project, keys: Path, tmp_path: Path) -> None:
    """In whatever line of several it stands, and whatever became of it since."""
    signing.release("one")
    kind, data, _ = (keys / "octo.pub").read_text().split()
    for options, code in (
        ('valid-before="20200101"', 26), ('valid-before="20990101"', 0), ('namespaces="file"', 26),
        (f'namespaces="file" {kind} {data}\nocto@example.org', 0),
    ):  # fmt: skip
        (tmp_path / "others").write_text(f"octo@example.org {options} {kind} {data}\n")
        signing.run("verify", "--signers", str(tmp_path / "others"), code=code)


def test_what_is_withdrawn_is_signed_too(signing: Project) -> None:
    signing.release("one")
    signing.run("unassign", "delay", "--stage", "staging", "--reason", "no longer used")
    assert signed.take_apart(raw(signing, "delay#staging!#2")).kind == "ssh"
    signing.run("verify", "--signers", "signers")


def test_without_a_key_nothing_is_written(signing: Project) -> None:
    signing.train("one")
    refused = signing.run("register", env={"MODELRAIL_SIGNING_KEY": ""}, code=26)
    assert "there is no key to sign with" in refused.err
    assert not [tag for tag in signing.remote_tags() if tag.startswith("delay")]


def test_a_broken_key_writes_nothing(signing: Project) -> None:
    signing.train("one")
    broken = "-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n-----END OPENSSH PRIVATE KEY-----\n"
    refused = signing.run("register", env={"MODELRAIL_SIGNING_KEY": broken}, code=26)
    assert "could not be signed" in refused.err
    assert "nonsense" not in refused.err
    assert not [tag for tag in signing.remote_tags() if tag.startswith("delay")]


def test_git_s_own_configuration_signs_too(tmp_path: Path, keys: Path) -> None:
    found = project(tmp_path)
    found.git("config", "tag.gpgSign", "true")
    found.git("config", "gpg.format", "ssh")
    found.git("config", "user.signingKey", str(keys / "octo.pub"))
    found.release("one")
    assert signed.take_apart(raw(found, "delay@v1.0.0")).kind == "ssh"
    assert signed.take_apart(raw(found, "refs/modelrail/ledger/tip")).kind == "ssh"


def gpg_key(expires: str, *options: str) -> tuple[str, str]:
    """A public and a private OpenPGP key, in the GNUPGHOME at hand."""

    def gpg(*arguments: str) -> str:
        done = subprocess.run(
            ["gpg", "--batch", "--quiet", *options, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        gpg("--passphrase", "", "--quick-gen-key", "Octo <octo@example.org>", "ed25519", "sign", expires)
        return gpg("--armor", "--export"), gpg("--armor", "--export-secret-keys")
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)


@pytest.mark.skipif(shutil.which("gpg") is None, reason="no gpg")
def test_an_openpgp_key_that_expired_since_signed_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    made = 1_600_000_000
    public, _ = gpg_key("1d", f"--faked-system-time={made}!")
    (tmp_path / "signers").write_text(public)
    data = b"object " + b"0" * 40 + b"\ntype commit\ntag x\ntagger x <x@y> 1600003600 +0000\n\nx\n"
    command = ["gpg", "--batch", f"--faked-system-time={made + 3600}!", "-bsa"]
    signature = subprocess.run(command, input=data, capture_output=True, check=True).stdout
    with signatures.allowed(tmp_path / "signers", settings.read()) as signers:
        assert signers.verify(data + signature) == signatures.Verdict("good", "Octo <octo@example.org>")
        assert signers.verify(data.replace(b"tag x", b"tag y") + signature).status == "bad"
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)


@pytest.mark.skipif(shutil.which("gpg") is None, reason="no gpg")
def test_openpgp_keys_sign_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    public, private = gpg_key("0")
    found = project(tmp_path, CONFIG + "signing: {format: gpg, signers: signers, required: true}\n")
    (found.root / "signers").write_text(public)
    found.commit("signers")
    found.environ["MODELRAIL_SIGNING_KEY"] = private
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "nobody"))
    found.release("one")
    assert signed.take_apart(raw(found, "delay@v1.0.0")).kind == "gpg"
    found.run("verify", "--signers", "signers")
    monkeypatch.setenv("GNUPGHOME", str(home))
    found.git("verify-tag", "delay@v1.0.0")
    found.git("verify-commit", "refs/modelrail/ledger/tip")
