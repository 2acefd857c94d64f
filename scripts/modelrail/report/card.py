"""Evidence -> what a model card says."""

from __future__ import annotations

import shlex

from msgspec import Struct

from modelrail import records
from modelrail.report import changes, inert, numbers, rows

_KINDS = {
    "binary": "binary classification",
    "multiclass": "classification",
    "multilabel": "classification, several labels a row",
    "ranking": "ranking",
    "regression": "regression",
}

_LOAD = {
    "skops": (
        "import skops.io\n\nunknown = skops.io.get_untrusted_types(file={name})\n"
        "print(unknown)  # look at the list before you trust it\n"
        "model = skops.io.load({name}, trusted=unknown)"
    ),
    "onnx": "import onnxruntime\n\nmodel = onnxruntime.InferenceSession({name})",
    "joblib": "import joblib\n\n# Loading it runs code: check the digest first.\nmodel = joblib.load({name})",
    "mlflow": "# Unpack the .tar first.\nimport mlflow.pyfunc\n\nmodel = mlflow.pyfunc.load_model({name})",
}


class Card(Struct, frozen=True, kw_only=True):
    model: str
    version: str
    kind: str
    trained: str
    commit: str
    file: str
    file_facts: str
    headline: str
    context: str
    baseline: str
    metrics: tuple[rows.MetricView, ...]
    gates: tuple[rows.GateView, ...]
    slices: tuple[rows.MetricView, ...]
    slices_summary: str
    lineage: tuple[tuple[str, str], ...]
    params: tuple[tuple[str, str], ...]
    load: inert.Raw
    limits: str
    evidence: str


def build(evidence: records.Evidence, version: str, evidence_digest: str) -> Card:
    candidate, comparison, evaluation = evidence.candidate, evidence.comparison, evidence.evaluation
    slices = rows.worst_first(rows.metrics([row for row in comparison.metrics if row.slice is not None]))
    train = candidate.fingerprint.train
    amount = f" ({numbers.plural(train.rows, 'row')})" if train and train.rows is not None else ""
    return Card(
        model=evidence.model,
        version=version,
        kind=_KINDS[evaluation.task],
        trained=f"on {train.path}{amount}" if train else "on data that is not versioned here",
        commit=candidate.fingerprint.commit,
        file=candidate.file.name,
        file_facts=f"{candidate.file.format}, {numbers.size(candidate.file.size)}",
        headline=comparison.headline,
        context=(
            f"Measured on {numbers.plural(comparison.rows, 'row')} of {evaluation.test.path}, "
            + (
                "the same rows for both versions."
                if evaluation.baseline
                else "with no earlier version to compare with."
            )
        ),
        baseline=evaluation.baseline_ref.version or "",
        metrics=rows.metrics([row for row in comparison.metrics if row.slice is None]),
        gates=rows.gates(comparison.gates),
        slices=slices,
        slices_summary=rows.summary(slices),
        lineage=changes.lineage(candidate, evaluation),
        params=tuple(sorted(candidate.params.items())),
        load=_load(evidence.model, version, candidate.file),
        limits=(
            "The figures hold for data like the test rows above. They say nothing about other populations, "
            "later data, or groups that were not among the slices."
        ),
        evidence=evidence_digest,
    )


def _load(model: str, version: str, file: records.ModelFile) -> inert.Raw:
    # shlex and repr() make literals of the names; the fence keeps everything else inert.
    tag = shlex.quote(f"{model}@{version}")
    check = shlex.quote(f"{file.digest.removeprefix('sha256:')}  {file.name}")
    steps = [
        f"$ git show {tag}   # in a clone: who, when, why, and this digest",
        f"$ echo {check} | sha256sum -c",
        "",
    ]
    if file.format in _LOAD:
        steps.append(_LOAD[file.format].format(name=repr(file.name)))
    else:
        steps.append(
            "# Read by the repository's own predict command; see modelrail.yaml at the commit above."
        )
    return inert.fenced("\n".join(steps), lines=30)
