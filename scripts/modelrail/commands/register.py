"""`modelrail register`: a candidate that passed becomes a version: tag, release, evidence."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct
from msgspec.structs import replace

from modelrail import plans, records
from modelrail.adapters import files, store, stores
from modelrail.adapters.actions_io import say
from modelrail.adapters.git import Git
from modelrail.adapters.running import model_files
from modelrail.commands import (
    _approvals,
    _context,
    _ledger,
    _on_github,
    _options,
    _outputs,
    _registry,
    _release,
    _statements,
    _verbs,
)
from modelrail.config import resolved as modelrail_config
from modelrail.core.registry import admission, registration
from modelrail.core.registry.approvals import Approvals
from modelrail.core.registry.decisions import Decision
from modelrail.core.registry.history import ModelState
from modelrail.errors import GateError, ModelrailError, RecordError

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub

EPILOG = """\b
Example:
  modelrail register --model delay --bump minor
"""


class Work(Struct, frozen=True):
    """What is the same for every model of the call."""

    context: _context.Context
    git: Git
    github: GitHub | None
    pull: Mapping[str, Any] | None  # that was merged
    policy_file: str  # as the repository names it
    bump: str
    first_version: str
    release: bool
    dry_run: bool
    approvals: Approvals | None = None
    comments: list[str] = []

    @property
    def labels(self) -> list[str]:
        return [str(label.get("name", "")) for label in (self.pull or {}).get("labels", ())]


@click.command("register", epilog=EPILOG)
@_options.config
@_options.models
@_options.out
@click.option(
    "--bump", type=click.Choice(["auto", "patch", "minor", "major"]), default="auto", show_default=True,
    help="auto: a label modelrail:<bump> of the merged pull request, else what changed decides.",
)  # fmt: skip
@click.option(
    "--first-version", default=registration.FIRST_VERSION, show_default=True, metavar="VERSION",
    help="The name of a model's first version.",
)  # fmt: skip
@click.option(
    "--release/--no-release", default=True, show_default=True, help="Publish the model file as a release."
)
@_options.as_json
@_options.dry_run
def command(
    config: str,
    models: tuple[str, ...],
    out: str,
    bump: str,
    first_version: str,
    release: bool,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Register the candidates that passed, and let them into the stages with `enter: on-pass`.

    Reads the records of train, evaluate and compare. A verdict other than `pass` registers nothing (exit code
    4). Run again after it died half-way, it completes the same version.
    """
    found, git = _registry.opened()
    context = replace(_context.open_context(config, models, out), settings=found)
    github = _registry.client(found) if release else None
    pull = _merged_pull(github, git.head()) if github is not None and found.in_ci else None
    approved = _approvals.read(found, github, pull)
    root = Path(git.text("rev-parse", "--show-toplevel"))
    named = _statements.policy_file(root, found.workspace / config)
    work = Work(context, git, github, pull, named, bump, first_version, release, dry_run, approved)

    def one(model: modelrail_config.Model) -> dict[str, object]:
        try:
            return _register(model, work)
        except ModelrailError as error:
            reason = f"{error.what} {error.why}" if isinstance(error, GateError) else error.what
            work.comments.append(_release.comment(model.name, found, reason=reason))
            raise

    results, error = _verbs.each(context, "register", one, record=not dry_run)
    _say_on_pull_request(work)
    if not dry_run:
        _tell(work, results)
    if as_json:
        click.echo(json.dumps({"models": results}, indent=2, ensure_ascii=False))
    if error is not None:
        raise error


def _merged_pull(github: GitHub, commit: str) -> Mapping[str, Any] | None:
    """The pull request that brought the commit to the branch, if one did."""
    merged = [pull for pull in github.pulls_of_commit(commit) if pull.get("merged_at")]
    exact = [pull for pull in merged if pull.get("merge_commit_sha") == commit]
    return next(iter(exact or merged), None)


def _register(model: modelrail_config.Model, work: Work) -> dict[str, object]:
    folder, found = work.context.folder(model), work.context.settings
    try:
        evidence, digest, file = _evidence(model, folder)
    except ModelrailError as error:
        first = _of_earlier_attempt(model, work, error)
        if first is None:
            raise
        return first
    if found.in_ci and evidence.candidate.fingerprint.commit != work.git.head():
        raise RecordError(
            f"The records of {model.name} are of another commit than the one that is checked out.",
            why=f"Records: {evidence.candidate.fingerprint.commit}; checked out: {work.git.head()}.",
            next="Train and evaluate in the run that registers.",
        )
    # A run that trains again when all its jobs are run again is still one operation: what its first attempt
    # registered stands. On a laptop nothing but the evidence tells one registration from another.
    what = evidence.candidate.fingerprint.commit if found.run_id else digest[-16:]
    asked = _registry.asked(
        found, work.git, f"register/{model.name}/{what}", keep=not work.dry_run, approvals=work.approvals
    )
    run = evidence.candidate.tracking
    stored = stores.location(model.store, file, run.run_id if run else "")
    with tempfile.TemporaryDirectory(prefix="modelrail-release-") as parent:

        def decide(state: ModelState) -> _registry.Step:
            bump = registration.choose_bump(work.bump, work.labels, state, evidence.candidate)
            version = registration.next_version(state, bump, work.first_version)
            decision = registration.register(state, model, evidence, digest, version, asked, stored=stored)
            if decision.changed:
                kept = _ledger.of_version(
                    model.name, decision.version, evidence, digest, folder,
                    repository_url=_statements.repository_url(found), policy_file=work.policy_file,
                )  # fmt: skip
                decision = replace(decision, documents=kept)
            before = _stored(decision, stored, evidence, file)
            if not work.release or work.github is None:
                return _registry.Step(decision, before=before)
            place = Path(parent)
            published = _published(work.github, decision.tag, decision.changed)
            carried = (evidence, digest, folder)
            if not decision.changed:
                first = _ledger.first_evidence(work.git, state, decision.version, place)
                if not published:
                    _refuse_other_bytes(
                        model, state, decision.version, evidence.candidate.file, known=first is not None
                    )
                carried = first or carried
            shared = {document.path.rpartition("/")[2]: document.data for document in decision.documents}
            effect = _release.of(
                decision, state, model, carried[0], carried[1], file, carried[2], place,
                run_url=found.run_url, published=published,
                shared=shared if decision.changed else _ledger.shared(work.git, state, decision.version),
                leads=_on_github.leads(work.context.config, model.name),
            )  # fmt: skip
            return _registry.Step(decision, (effect,) if effect else (), before)

        step, done = _registry.carry_out(
            decide,
            signing=work.context.config.signing,
            found=found,
            git=work.git,
            github=work.github,
            model=model.name,
            dry_run=work.dry_run,
            operation=asked.operation,
        )
    decision = step.decision
    if decision.changed and not stored and not work.dry_run and (not work.release or work.github is None):
        store.keep(file, evidence.candidate.file.digest, found.cache)
        why = "as asked" if not work.release else "as there is no GitHub"
        say(f"{model.name}: no release, {why}; the model file is kept in this machine's cache alone.")
    _registry.tell(done, dry_run=work.dry_run)
    url = done.release_url
    if work.github is not None and not url and not work.dry_run:
        url = str((work.github.release_by_tag(decision.tag) or {}).get("html_url", ""))
    # Of a repeated operation too: the comment is one for all models, and says what each has come to.
    if (decision.changed or done.release_url or decision.operation) and not work.dry_run:
        work.comments.append(_release.comment(model.name, found, decision=decision, release_url=url))
    say(_line(model.name, decision, dry_run=work.dry_run))
    registered, attestation = False, None
    if decision.changed:
        registered, attestation = True, _statements.subject(evidence, decision.version, digest)
    elif decision.operation:
        state = _registry.current(work.git, model.name)
        registered, attestation = _told_again(work.git, state, decision.version)
    return {
        "registered": registered and not work.dry_run,
        "version": decision.version,
        "tag": decision.tag,
        "stages": list(decision.entered),
        "release_url": url,
        "attestation": attestation,
        "notes": [note for note in (decision.note, *done.notes) if note],
        **({"dry_run": True, "plan": done.planned} if work.dry_run else {}),
    }


def _of_earlier_attempt(
    model: modelrail_config.Model, work: Work, failed: ModelrailError
) -> dict[str, object] | None:
    """What an earlier attempt of this run registered: a later one that does not pass takes nothing back."""
    found = work.context.settings
    if not found.run_id:
        return None
    operation = f"{found.run_id}/register/{model.name}/{work.git.head()}"
    try:
        state = _registry.current(work.git, model.name)
    except ModelrailError:
        return None  # what failed first is what is told
    decision = registration.repeated(state, operation)
    if decision is None:
        return None
    url = ""
    if work.release and work.github is not None:
        release = work.github.release_by_tag(decision.tag)
        if release is None:
            raise RecordError(
                f"{decision.tag} has no release, and this attempt has nothing to complete it with.",
                why=failed.what,
                next=_next_without_release(model.name, decision.version),
            ) from failed
        url = str(release.get("html_url", ""))
    if not work.dry_run:
        work.comments.append(_release.comment(model.name, found, decision=decision, release_url=url))
    registered, attestation = _told_again(work.git, state, decision.version)
    say(f"⚠ This attempt changes nothing about {model.name} {decision.version}: {failed.what}")
    say(_line(model.name, decision, dry_run=work.dry_run))
    return {
        "registered": registered and not work.dry_run, "version": decision.version, "tag": decision.tag,
        "stages": list(decision.entered), "release_url": url, "attestation": attestation,
        "notes": [decision.note, failed.what],
        **({"dry_run": True, "plan": []} if work.dry_run else {}),
    }  # fmt: skip


def _told_again(git: Git, state: ModelState, version: str) -> tuple[bool, dict[str, str] | None]:
    """`registered` of a version that an earlier attempt of this run registered, and what is attested of it.

    Jobs that hang on the output run after a repetition too, as the first attempt may have died before them;
    not for a version that was taken back since. Attested are the bytes and the evidence that its tag names.
    """
    if not state.versions[version].usable:
        return False, None
    kept = _ledger.named_evidence(git, state, version)
    return True, None if kept is None else _statements.subject(kept[0], version, kept[1])


def _evidence(model: modelrail_config.Model, folder: Path) -> tuple[records.Evidence, str, Path]:
    """The evidence, its digest, and the model file: of one candidate, and the bytes that were scored."""
    comparison = files.read(records.Comparison, folder)
    if comparison.verdict != "pass":
        raise GateError(
            f"{model.name} is not registered: the verdict is {comparison.verdict}.", why=comparison.headline
        )
    evidence = files.read(records.Evidence, folder)
    if evidence.model != model.name:
        raise RecordError(f"The evidence in {folder.name} is about the model {evidence.model!r}.")
    admission.consistent(
        evidence,
        candidate=files.read(records.Candidate, folder),
        evaluation=files.read(records.Evaluation, folder),
        comparison=comparison,
        evaluation_digest=files.digest_file(folder / records.Evaluation.FILE),
    )
    admission.passed(evidence)
    admission.judged_by(evidence, model)
    digest = files.digest_file(folder / records.Evidence.FILE)
    return evidence, digest, model_files.locate(evidence.candidate.file, folder)


def _stored(
    decision: Decision, where: Mapping[str, str], evidence: records.Evidence, file: Path
) -> plans.Plan:
    """The model file into its store, for a new version whose bytes are no release asset."""
    if not where or not decision.changed:
        return ()
    return (
        plans.StoreModel(
            store=where[stores.STORE], location=where[stores.LOCATION], path=file,
            digest=evidence.candidate.file.digest,
        ),
    )  # fmt: skip


def _refuse_other_bytes(
    model: modelrail_config.Model, state: ModelState, version: str, file: records.ModelFile, *, known: bool
) -> None:
    """A release that an earlier attempt left undone is completed with that attempt's bytes, or not at all."""
    there = state.versions[version]
    if there.model_digest == file.digest or (known and model.store != "release"):
        return
    raise RecordError(
        f"{there.event.tag} has no release, and this attempt trained other bytes.",
        why=f"Registered: {there.model_digest}; here: {file.digest}.",
        next=_next_without_release(model.name, version),
    )


def _next_without_release(model: str, version: str) -> str:
    return (
        "Run the failed jobs again instead of all, while the run has the first model. Where it is lost:"
        f' modelrail deregister {model} {version} --reason "lost", and start a new run.'
    )


def _published(github: GitHub, tag: str, changed: bool) -> bool:
    """Whether an earlier run finished this version's release; that of a new version cannot be there."""
    return not changed and github.release_by_tag(tag) is not None


def _line(model: str, decision: Decision, *, dry_run: bool) -> str:
    if not decision.changed:
        return f"= {model} {decision.version}: nothing to register, {decision.note}"
    stages = f", in {', '.join(decision.entered)}" if decision.entered else ""
    return f"{'would register' if dry_run else '✓ registered'} {model} {decision.version}{stages}"


def _tell(work: Work, results: Mapping[str, Mapping[str, Any]]) -> None:
    """What the workflow is told: of every model in `models`, one that failed too."""
    by_model: dict[str, dict[str, str | int | bool]] = {}
    for model in work.context.models:
        said = results.get(model.name, {})
        by_model[model.name] = {
            "registered": said.get("registered", False),
            "version": said.get("version", ""),
            "tag": said.get("tag", ""),
            "release-url": said.get("release_url", ""),
        }
    # One line, for a matrix of jobs; one of no subject for a matrix that would else be no matrix at all.
    subjects = [
        said["attestation"] for said in results.values() if said["registered"] and said["attestation"]
    ]
    attestations = json.dumps(subjects or [{}], separators=(",", ":"))
    registered = any(said["registered"] for said in results.values())
    _outputs.tell(work.context.settings, by_model, {"registered": registered, "attestations": attestations})


def _say_on_pull_request(work: Work) -> None:
    """One comment of the release run on the merged pull request; that it failed fails nothing."""
    if work.pull is None or work.github is None or not work.comments or work.dry_run:
        return
    from modelrail.adapters import apply
    from modelrail.report import render

    effect = plans.UpsertComment(
        pull_request=int(work.pull["number"]), marker=render.REGISTER_MARKER, body="\n".join(work.comments)
    )
    done = apply.apply(
        (effect,), settings=work.context.settings, git=work.git, github=work.github, recorded=True
    )
    for note in done.notes:
        say(f"⚠ {note}")
