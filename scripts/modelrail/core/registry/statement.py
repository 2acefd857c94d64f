"""In-toto statements about one version: where it comes from (SLSA provenance), and how it was judged.

Statement layer: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
Provenance: https://slsa.dev/spec/v1.0/provenance. The other predicate is ours:
docs/attestation.md.
Both are functions of evidence, version and repository alone: the same version gives the same bytes.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from modelrail import records
from modelrail.core.registry import admission, description

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
HOME = "https://github.com/modelrail/modelrail"
JUDGED = f"{HOME}/attestations/model-evaluation/v1"
BUILD_TYPE = f"{HOME}/attestations/training/v1"
MEDIA_TYPE = "application/vnd.in-toto+json"
FILE, PROVENANCE_FILE = "statement.intoto.json", "provenance.intoto.json"


def judged(evidence: records.Evidence, version: str, evidence_digest: str) -> bytes:
    """What the model is a function of, how it measured, and the verdict."""
    return _statement(evidence, JUDGED, predicate(evidence, version, evidence_digest))


def predicate(evidence: records.Evidence, version: str, evidence_digest: str) -> dict[str, Any]:
    candidate, comparison = evidence.candidate, evidence.comparison
    baseline, found = evidence.evaluation.baseline_ref, candidate.fingerprint
    good, all_ = admission.gate_counts(comparison)
    return {
        "model": evidence.model,
        "version": version,
        "fingerprint": {
            "commit": found.commit,
            "code": found.code,
            "trainingData": found.train.digest if found.train else None,
            "testData": found.test.digest,
            "parameters": found.params,
            "environment": found.environment,
        },
        "evaluation": {
            "rows": comparison.rows,
            "metrics": [description.metric(row) for row in description.whole(evidence)],
            "baseline": {
                "stage": baseline.stage,
                "version": baseline.version,
                "sequence": baseline.sequence,
                "modelDigest": baseline.model_digest,
            }
            if baseline.status == "present"
            else None,
        },
        "gates": {"passed": good, "all": all_},
        "policy": {"commit": comparison.policy.commit, "digest": comparison.policy.digest},
        "verdict": comparison.verdict,
        "evidence": {"name": records.Evidence.FILE, "digest": _digest(evidence_digest)},
        "tool": {"name": "modelrail", "version": evidence.modelrail},
    }


def provenance(evidence: records.Evidence, *, repository_url: str, policy_file: str) -> bytes:
    """The training as a build: what went in by digest, and the run that did it."""
    candidate = evidence.candidate
    found, run = candidate.fingerprint, candidate.run
    source: dict[str, Any] = {"name": "source", "digest": {"gitCommit": found.commit}}
    if repository_url:
        source["uri"] = f"git+{repository_url}@{found.commit}"
    inputs: list[dict[str, Any]] = [source]
    for name, data in (("training data", found.train), ("test data", found.test)):
        if data is not None:
            inputs.append({"name": name, "uri": f"file:{quote(data.path)}", "digest": _digest(data.digest)})
    for name, digest in (("parameters", found.params), ("environment", found.environment)):
        if digest:
            inputs.append({"name": name, "digest": _digest(digest)})
    external = {"model": evidence.model, "configuration": policy_file}
    return _statement(
        evidence,
        PROVENANCE,
        {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": external | ({"repository": repository_url} if repository_url else {}),
                "resolvedDependencies": inputs,
            },
            "runDetails": {
                # Who built it is what this run says of itself; GitHub's own attestation says it under oath.
                "builder": {
                    "id": f"{HOME}/builders/{'github-actions' if run.url else 'local'}",
                    "version": {"modelrail": evidence.modelrail},
                },
                "metadata": {"invocationId": f"{run.url}/attempts/{run.attempt}"} if run.url else {},
            },
        },
    )


def _statement(evidence: records.Evidence, kind: str, content: dict[str, Any]) -> bytes:
    file = evidence.candidate.file
    document = {
        "_type": STATEMENT,
        "subject": [{"name": file.name, "digest": _digest(file.digest)}],
        "predicateType": kind,
        "predicate": content,
    }
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _digest(text: str) -> dict[str, str]:
    """`sha256:ab…` as a set of one digest. DVC's MD5 of a folder, `ab….dir`, is one of its listing."""
    kind, _, value = text.partition(":")
    if value.endswith(".dir"):
        return {"dvcDirMd5": value.removesuffix(".dir")}
    return {kind: value}
