"""`modelrail verify`: whether tags, ledger and files tell one story, and which object differs where not."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from modelrail import records
from modelrail.adapters.actions_io import outputs, say
from modelrail.adapters.git import Git
from modelrail.adapters.registry import ledger
from modelrail.adapters.registry import reading as registry
from modelrail.commands import _options, _registry
from modelrail.core import digits
from modelrail.core.registry import history, verification
from modelrail.core.registry import ledger as layout
from modelrail.core.registry.history import ModelState, Registered
from modelrail.core.registry.verification import Finding
from modelrail.errors import LedgerTamperedError, NotFoundError, RecordError, UsageError
from modelrail.settings import Settings

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub

ROLLBACK = "Rollback-From"  # a trailer of what no evidence carried
MAX_SUMS = 1024 * 1024
MAX_FILE = 64 * 1024 * 1024  # of a release, where GitHub does not say its digest

EPILOG = """\b
Examples:
  modelrail verify
  modelrail verify --assets --json
Exit codes: 23 a tag, 24 the ledger, 25 evidence or a release file, 26 a signature, 27 an order or a state
that cannot be; of several the worst.
"""


class Read(Struct, frozen=True):
    """What there is to compare."""

    scan: registry.Scan
    tip: str
    entries: list[layout.Entry]
    listed: dict[str, str]
    begun: dict[str, str]  # what the first commit lists
    states: Mapping[str, ModelState]
    findings: list[Finding]  # made by reading


@click.command("verify", epilog=EPILOG)
@click.option(
    "--fetch/--no-fetch", default=True, show_default=True,
    help="Check what the remote holds; otherwise this clone's tags, and the ledger that it has seen.",
)  # fmt: skip
@click.option(
    "--assets", is_flag=True, help="Check the bytes of every model file, and of the other files of releases."
)
@click.option(
    "--signers", default="", metavar="FILE",
    help="Every tag and ledger commit must be signed by one of these (as for git's allowedSignersFile).",
)  # fmt: skip
@_options.as_json
def command(fetch: bool, assets: bool, signers: str, as_json: bool) -> None:
    """Check the whole record: tags against the ledger, the ledger against itself and what was seen of it.

    Finds tags that were moved, deleted, replaced or made by hand, a ledger that was rewound, rewritten or
    forked, evidence and release files with other bytes than the tags name, events out of order, and stages
    whose version was taken back.
    """
    found, git = _registry.opened()
    read = _read(git, fetch=fetch)
    findings = [*read.findings, *check(git, read)]
    if assets:
        findings += _assets(git, found, read)
    if signers:
        findings += _signatures(git, found, signers, read)
    document = {
        "ok": not findings,
        "tip": read.tip or None,
        "tags": len(read.scan.events),
        "commits": len(read.entries),
        "versions": sum(len(state.versions) for state in read.states.values()),
        "assets": assets,
        "findings": [finding._asdict() for finding in findings],
    }
    outputs(found, {"ok": not findings, "findings": len(findings), "tip": read.tip})
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _print(findings, document)
    if findings:
        raise verification.error(findings)


def _print(findings: list[Finding], document: Mapping[str, Any]) -> None:
    for finding in findings:
        click.echo(f"✗ {finding.kind:<11} {finding}")
    if findings:
        return
    if not document["tip"]:
        say("There is no ledger yet; the first write begins it, and lists the tags that are there.")
    nouns = {"tags": "tags", "commits": "ledger commits", "versions": "versions"}
    counts = ", ".join(digits.counted(document[key], noun) for key, noun in nouns.items())
    click.echo(f"✓ {counts}: one story")


def _read(git: Git, *, fetch: bool) -> Read:
    findings: list[Finding] = []
    for pause in _registry.LOOKS:
        time.sleep(pause)
        findings = _fetch(git) if fetch else []
        scan = registry.scan(git, remote=fetch)
        tip = ledger.tip(git)
        listed = ledger.index(git, tip)
        # Two refs of one push can be seen one without the other: what is only that is gone at the next look.
        if {event.tag: event.object for event in scan.events} == listed:
            break
    with registry.without_collector():
        entries, begun = ledger.log(git, tip)
        return Read(scan, tip, entries, listed, begun, history.fold(scan.events), findings)


def _fetch(git: Git) -> list[Finding]:
    try:
        fetched = registry.fetch(git, None, with_ledger=True)
    except LedgerTamperedError as error:
        # The tags are mirrored all the same; they are held against the ledger that was seen.
        return [Finding("ledger", layout.BRANCH, error.what, ledger.tip(git), ledger.incoming(git))]
    there = registry.objects(git, registry.MIRROR, fetched.differing)
    here = registry.objects(git, registry.TAGS, fetched.differing)
    return [
        Finding("moved", tag, f"The tag {tag} of this clone is not the remote's.", there[tag], here[tag])
        for tag in fetched.differing
    ]


def check(git: Git, read: Read) -> list[Finding]:
    """All that can be said of what was read."""
    findings = verification.check_state(read.states)
    if not read.tip:
        tags = verification.compare_tags({}, {}, read.scan.foreign)
        return [*tags, *findings]
    events = {event.tag: event for event in read.scan.events}
    objects = {tag: event.object for tag, event in events.items()}
    tampered = verification.compare_tags(read.listed, objects, read.scan.foreign)
    return [
        *tampered,
        *verification.check_chain(read.entries, read.listed, read.begun),
        *verification.check_links(read.entries, events),
        *verification.check_order(read.entries),
        *_evidence(git, read),
        *([] if tampered else findings),  # the state that follows from changed tags says nothing more
    ]


def _signatures(git: Git, found: Settings, file: str, read: Read) -> list[Finding]:
    from modelrail.adapters.registry import signatures

    named = {event.object: event.tag for event in read.scan.events}
    named |= {entry.commit: f"ledger commit {entry.commit[:12]}" for entry in read.entries}
    findings = []
    with signatures.allowed(found.workspace / file, found) as signers:
        for oid, data in signatures.objects(git, list(named)):
            verdict = signers.verify(data)
            if verdict.status != "good":
                what = f"{named[oid]} is {signatures.describe(verdict)}."
                findings.append(Finding("signature", named[oid], what, "", oid))
    return findings


def _evidence(git: Git, read: Read) -> list[Finding]:
    """Of every registration, and of every promotion: of some a later measurement."""
    named: dict[str, tuple[list[str], str]] = {}
    for model, state in read.states.items():
        for event in state.events:
            said, known = event.trailers.get("Evidence-Digest", ""), state.versions.get(event.version or "")
            if not said or known is None or known.event.kind != "register" or ROLLBACK in event.trailers:
                continue
            place = layout.version_folder(model, known.version)
            paths = [f"{place}/{records.Evidence.FILE}"]
            if event.kind != "register":
                paths.append(f"{place}/{layout.later_evidence(said)}")
            named[event.tag] = (paths, said)
    kept = ledger.digests(git, read.tip, sorted({path for paths, _ in named.values() for path in paths}))
    return verification.check_evidence(named, kept, (entry.tag for entry in read.entries if entry.tag))


def _assets(git: Git, found: Settings, read: Read) -> list[Finding]:
    """The model file of every version that has a digest, as its store holds it; the files of its release too.

    Raises UsageError where a file is an asset of a release and there is no GitHub to ask.
    """
    from modelrail.adapters import store, stores
    from modelrail.commands import _release

    versions = [
        registered
        for state in read.states.values()
        for registered in state.versions.values()
        if registered.model_digest and registered.usable
    ]
    released = [known for known in versions if not stores.is_stored(known.event)]
    client = _registry.client(found) if released or (found.repository and found.token) else None
    if released and client is None:
        raise UsageError(
            f"--assets needs GitHub: {released[0].event.tag} is kept there.",
            next="Set GITHUB_REPOSITORY and a token.",
        )
    places = {
        (known.event.tag, name): f"{layout.version_folder(known.event.model, known.version)}/{name}"
        for known in versions
        for name in _release.SHARED
    }
    kept = ledger.digests(git, read.tip, list(places.values()))
    findings: list[Finding] = []
    for registered in versions:
        tag = registered.event.tag
        try:
            with tempfile.TemporaryDirectory(prefix="modelrail-verify-") as folder:
                store.fetch_model(git, client, registered, Path(folder), settings=found)
        except RecordError as error:
            findings.append(
                Finding("asset", tag, f"{error.what} {error.why}".strip(), registered.model_digest)
            )
        except NotFoundError as error:
            findings.append(Finding("asset", tag, error.what, registered.model_digest))
        if client is not None:
            shared = {
                name: digest
                for name in _release.SHARED
                if (digest := kept[places[tag, name]]) is not None
            }  # fmt: skip
            findings += _released(client, registered, shared)
    return findings


def _released(client: GitHub, registered: Registered, kept: Mapping[str, str]) -> list[Finding]:
    """The files of a version's release beside the model; none of a version that has no release."""
    from modelrail.adapters import stores

    tag, model = registered.event.tag, registered.event.trailers.get("Model-File", "")
    release = client.release_by_tag(tag)
    if release is None:
        return []  # where the model is an asset, that it is not there was said
    named = {records.Evidence.FILE: registered.evidence_digest} if registered.evidence_digest else {}
    listed: Mapping[str, str] | None = None
    try:
        with tempfile.TemporaryDirectory(prefix="modelrail-verify-") as folder:
            path = Path(folder) / verification.SUMS
            client.download_asset(release, verification.SUMS, path, max_bytes=MAX_SUMS)
            listed = verification.checksums(path.read_text("utf-8", "replace"))
    except NotFoundError:
        pass
    except RecordError as error:
        return [Finding("asset", tag, error.what)]
    # The model was compared, also one in parts; of these only what SHA256SUMS says of the whole.
    own = {name for name in listed or {} if name == model or name.startswith(f"{model}.part")}
    if listed is not None:
        listed = {name: said for name, said in listed.items() if name == model or name not in own}
    rest = {*(listed or {}), *kept, *named} - own
    held = client.asset_digests(release, sorted(rest), max_bytes=MAX_FILE)
    if not stores.is_stored(registered.event) or model in (listed or {}):
        named[model] = held[model] = registered.model_digest
    return verification.check_release(tag, kept, named, held, listed)
