"""In-toto statements: their form, and that one version always gives the same bytes."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

from modelrail import records
from modelrail.commands import _statements
from modelrail.core.registry import statement
from support_registry import digest_of, evidence

REPOSITORY = "https://github.com/octo/flights"


def read(data: bytes) -> dict[str, Any]:
    found = json.loads(data)
    assert isinstance(found, dict)
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert set(found) == {"_type", "subject", "predicateType", "predicate"}
    for subject in found["subject"]:
        assert set(subject["digest"]) == {"sha256"}
        assert len(subject["digest"]["sha256"]) == 64
    return found


def test_the_evaluation_is_stated() -> None:
    record = evidence()
    found = read(statement.judged(record, "v1.2.0", digest_of(record)))
    content = found["predicate"]
    assert found["subject"][0]["name"] == "model.skops"
    assert found["subject"][0]["digest"]["sha256"] == record.candidate.file.digest.removeprefix("sha256:")
    assert content["version"] == "v1.2.0"
    assert content["verdict"] == "pass"
    assert content["evidence"]["digest"]["sha256"] == digest_of(record).removeprefix("sha256:")
    assert content["fingerprint"]["commit"] == record.candidate.fingerprint.commit
    assert {row["metric"] for row in content["evaluation"]["metrics"]}


def test_the_provenance_has_what_slsa_requires() -> None:
    record = evidence()
    found = read(statement.provenance(record, repository_url=REPOSITORY, policy_file="modelrail.yaml"))
    assert found["predicateType"] == "https://slsa.dev/provenance/v1"
    build, run = found["predicate"]["buildDefinition"], found["predicate"]["runDetails"]
    assert build["buildType"].startswith("https://")
    assert build["externalParameters"] == {
        "model": "delay", "configuration": "modelrail.yaml", "repository": REPOSITORY,
    }  # fmt: skip
    source = build["resolvedDependencies"][0]
    assert source["digest"] == {"gitCommit": record.candidate.fingerprint.commit}
    assert source["uri"].startswith(f"git+{REPOSITORY}@")
    assert all(entry["digest"] for entry in build["resolvedDependencies"])
    assert run["builder"]["id"].startswith("https://")


def test_the_same_version_gives_the_same_bytes() -> None:
    record = evidence()
    again = msgspec.json.decode(msgspec.json.encode(record), type=records.Evidence)
    assert statement.judged(record, "v1.0.0", "sha256:x") == statement.judged(again, "v1.0.0", "sha256:x")
    assert statement.judged(record, "v1.0.0", "sha256:x") != statement.judged(record, "v1.0.1", "sha256:x")


def test_every_input_is_a_resource_as_in_toto_defines_it() -> None:
    """A folder that DVC tracks, a path with a blank, no repository: all are still in its form."""
    record = evidence()
    printed = msgspec.structs.replace(
        record.candidate.fingerprint,
        train=records.DataVersion(path="my data/train", digest=f"md5:{'5b' * 16}.dir", source="dvc"),
    )
    candidate = msgspec.structs.replace(record.candidate, fingerprint=printed)
    record = msgspec.structs.replace(record, candidate=candidate)
    for repository in (REPOSITORY, ""):
        data = statement.provenance(record, repository_url=repository, policy_file="modelrail.yaml")
        inputs = read(data)["predicate"]["buildDefinition"]["resolvedDependencies"]
        for entry in inputs:
            assert set(entry) <= {"name", "uri", "digest"}
            assert re.fullmatch(r"[a-z+]+:[^\s]+", entry.get("uri", "file:x"))
            assert all(re.fullmatch(r"[0-9a-f]{32,64}", value) for value in entry["digest"].values())
        assert inputs[1]["uri"] == "file:my%20data/train"
        assert set(inputs[1]["digest"]) == {"dvcDirMd5"}


def as_in_toto_reads(data: bytes) -> tuple[Any, Any]:
    """The statement by in-toto's own bindings, where an unknown field raises; and its predicate."""
    found = json_format.Parse(data, statement_pb2.Statement())
    read_back = Statement.copy_from_pb(found)
    read_back.validate()
    return read_back.pb, json_format.MessageToDict(found.predicate)


@pytest.mark.parametrize("repository", [REPOSITORY, ""])
def test_the_provenance_is_what_in_toto_and_slsa_define(repository: str) -> None:
    """Read with their own definitions: a field that these do not know, or of another type, raises."""
    record = evidence()
    data = statement.provenance(record, repository_url=repository, policy_file="modelrail.yaml")
    stated, predicate = as_in_toto_reads(data)
    assert stated.predicate_type == "https://slsa.dev/provenance/v1"
    found = json_format.ParseDict(predicate, provenance_pb2.Provenance())
    build, run = found.build_definition, found.run_details
    # What SLSA v1 requires: the type, the parameters from outside, and who built.
    assert build.build_type == statement.BUILD_TYPE
    assert json_format.MessageToDict(build.external_parameters)["configuration"] == "modelrail.yaml"
    assert run.builder.id.startswith(f"{statement.HOME}/builders/")
    assert dict(run.builder.version) == {"modelrail": record.modelrail}
    assert bool(run.metadata.invocation_id) == bool(record.candidate.run.url)
    for resource in build.resolved_dependencies:
        ResourceDescriptor.copy_from_pb(resource).validate()
        assert resource.digest
    assert json_format.MessageToDict(found) == predicate  # nothing is lost on the way


def test_the_evaluation_is_a_statement_as_in_toto_defines_it() -> None:
    record = evidence()
    stated, predicate = as_in_toto_reads(statement.judged(record, "v1.2.0", digest_of(record)))
    assert [dict(subject.digest) for subject in stated.subject] == [
        {"sha256": record.candidate.file.digest.removeprefix("sha256:")}
    ]
    assert stated.predicate_type == statement.JUDGED
    assert predicate["model"] == record.model


def test_what_is_attested_has_the_same_predicate() -> None:
    """GitHub makes the statement around it: the predicate must be the one of our own."""
    record = evidence()
    asked = _statements.subject(record, "v1.2.0", digest_of(record))
    ours = read(statement.judged(record, "v1.2.0", digest_of(record)))
    assert (asked["predicate-type"], json.loads(asked["predicate"])) == (
        ours["predicateType"],
        ours["predicate"],
    )
    assert asked["name"] == ours["subject"][0]["name"]
