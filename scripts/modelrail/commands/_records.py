"""The records of a run, read as the hostile data that they may be.

Whatever is wrong with them becomes a failure that the report shows: never an exception, and never a pass.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.actions_io import say
from modelrail.errors import ConfigError, ModelrailError, RecordError
from modelrail.report import view

if TYPE_CHECKING:
    from modelrail.adapters.github.client import GitHub

CONFIGURATION = "modelrail.yaml"  # stands in a model's place when no model could be read
RECORDS = "modelrail-out"  # the same, when the folder of the records itself is refused
BASELINE = "baseline-evidence.json"
_VERSION = re.compile(r"v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/-]{0,127}")

R = TypeVar("R", bound=records.Record)


def names(out: Path, chosen: Sequence[str], config_file: Path | None, *, dry_run: bool) -> list[str]:
    """The models with records, and those that a configuration at hand says should have some.

    Raises RecordError when the folder holds what modelrail does not put there.
    """
    wanted = {part for name in chosen for part in name.replace(",", " ").split()}
    found = set(files.models_in(out))
    if config_file is not None and config_file.is_file():
        found = _configured(found, out, config_file, dry_run=dry_run)
    return sorted(found & wanted | ({CONFIGURATION} & found) if wanted else found)


def _configured(found: set[str], out: Path, config_file: Path, *, dry_run: bool) -> set[str]:
    """A configuration with faults is itself the failure to report; a record takes it to the next job."""
    from modelrail.config import check as config_check

    place = files.folder(out, CONFIGURATION)
    try:
        loaded = config_check.load(config_file)
    except ConfigError as error:
        lines = [f"{fault.path}: {fault.what} {fault.hint}".rstrip() for fault in error.faults]
        failure = records.Failure(
            model=CONFIGURATION,
            command="config",
            kind=error.kind,
            code=error.code,
            what=error.what,
            why=error.why,
            next=error.next or "Correct modelrail.yaml.",
            path=error.path,
            file=error.file,
            line=error.line,
            tail="\n".join(lines)[-4000:],
        )
        if not dry_run:
            files.write(failure, place)
        return found | {CONFIGURATION}
    if not dry_run and (place / records.Failure.FILE).is_file():
        (place / records.Failure.FILE).unlink()
    return (found - {CONFIGURATION}) | {model.name for model in loaded.models}


class Budget:
    """How many bytes of records are still read in this run: many large ones are as bad as a huge one."""

    def __init__(self, size: int = files.MAX_RECORDS_BYTES) -> None:
        self._left = size

    def read(self, path: Path) -> bytes:
        """A record file's bytes. Raises RecordError when it is refused."""
        if self._left <= 0:
            raise RecordError(f"The records of this run have more than {files.MAX_RECORDS_BYTES:,} bytes.")
        data = files.read_bytes(path, min(self._left, files.MAX_RECORD_BYTES))
        self._left -= len(data)
        return data


def refused(error: ModelrailError) -> view.ModelRecords:
    """In place of all models, when the records cannot be taken at all."""
    return view.ModelRecords(model=RECORDS, failure=view.problem(RECORDS, error.what, error.why))


def pending(folder: Path) -> bool:
    """Whether the candidate still waits for `score-sealed`."""
    path = folder / records.Sealed.FILE
    return path.is_file() and not (folder / records.Comparison.FILE).exists()


def load(
    folder: Path, model: str, client: GitHub | None, budget: Budget, *, dry_run: bool
) -> view.ModelRecords:
    problems: list[RecordError] = []
    digests: dict[type[records.Record], str] = {}

    def one(kind: type[R]) -> R | None:
        path = folder / str(kind.FILE)  # type: ignore[attr-defined]
        if not path.is_symlink() and not path.exists():
            return None
        try:
            data = budget.read(path)
            digests[kind] = files.digest_bytes(data)
            return files.decode(data, kind, files.shown(path))
        except RecordError as error:
            problems.append(error)
        return None

    def aside(kind: type[R]) -> R | None:
        """A record that decides nothing: when it is refused, its pictures are missing."""
        path = folder / str(kind.FILE)  # type: ignore[attr-defined]
        if not path.is_symlink() and not path.exists():
            return None
        try:
            found = files.decode(budget.read(path), kind, files.shown(path))
        except RecordError as error:
            say(f"{model}: {kind.FILE} is left out of the report: {error}")  # type: ignore[attr-defined]
            return None
        return found if found.model == model else None  # type: ignore[attr-defined]

    evaluation, comparison = one(records.Evaluation), one(records.Comparison)
    data, candidate, failure = one(records.DataReport), one(records.Candidate), one(records.Failure)
    if comparison is not None and evaluation is not None:
        digest = digests[records.Evaluation]
        if digest != comparison.evaluation:
            problems.append(
                RecordError(
                    "The comparison was not made from this evaluation.",
                    why=f"It names {comparison.evaluation}; the evaluation's digest is {digest}.",
                )
            )
    history, places = one(records.Lineage), one(records.Places)
    one(records.Evidence)
    plots, code = aside(records.Plots), aside(records.CodeChanges)
    if failure is None and pending(folder):
        failure = msgspec.structs.replace(
            view.problem(model, "The test set is sealed: this run cannot read it.", command="evaluate"),
            next="The workflow `sealed.yml` scores the candidate and posts the report.",
        )
    if problems:
        failure = view.problem(model, problems[0].what, problems[0].why)
    return view.ModelRecords(
        model=model,
        data=data,
        candidate=candidate,
        evaluation=evaluation,
        comparison=comparison,
        failure=failure,
        baseline=_baseline(folder, model, evaluation, client, dry_run=dry_run),
        evidence_digest=digests.get(records.Evidence, "") if not problems else "",
        history=history,
        places=places,
        code=code,
        plots=plots if plots and plots.comparison == digests.get(records.Comparison) else None,
        extras=tuple(found for found in map(aside, records.EXTRAS) if found is not None),
    )


def _baseline(
    folder: Path, model: str, evaluation: records.Evaluation | None, client: GitHub | None, *, dry_run: bool
) -> records.Evidence | None:
    """The evidence of the version in the stage, to say what changed; the report does without it as well.

    The first job that can read the release keeps a copy beside the records for the job that comments.
    """
    reference = evaluation.baseline_ref if evaluation is not None else None
    if reference is None or not reference.version or not reference.evidence_digest:
        return None
    if not (_VERSION.fullmatch(reference.version) and _NAME.fullmatch(model)):
        return None
    kept = folder / BASELINE
    try:
        if kept.is_symlink() or kept.exists():
            data = files.read_bytes(kept)
            if files.digest_bytes(data) == reference.evidence_digest:
                return files.decode(data, records.Evidence, BASELINE)
        release = client.release_by_tag(f"{model}@{reference.version}") if client is not None else None
        if client is None or release is None or dry_run:
            return None
        client.download_asset(
            release,
            records.Evidence.FILE,
            kept,
            digest=reference.evidence_digest,
            max_bytes=files.MAX_RECORD_BYTES,
        )
        return files.decode(kept.read_bytes(), records.Evidence, BASELINE)
    except (ModelrailError, OSError) as error:
        say(f"{model}: what changed since {reference.version} is not known: {error}")
        return None
