"""What `modelrail doctor` makes of facts: each state of a repository, and the finding it must bring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

import support_registry
from modelrail.core.doctor import callers, checkup
from modelrail.core.doctor import github as checkup_github
from modelrail.core.doctor import rulesets as checkup_rules
from modelrail.core.doctor import workflows as checkup_workflows
from modelrail.core.doctor.finding import Finding
from modelrail.core.doctor.github import Remote, Unseen
from modelrail.errors import ConfigFault
from support_workflows import CALLERS

VERSION = "0.1.0"
NEW = "first_time_contributors_new_to_github"
SHIPPED = {
    caller.purpose: caller
    for path in CALLERS.values()
    for caller in (callers.read(path.name, path.read_text()) or pytest.fail(path.name)).callers
}
TEXTS = {path.name: path.read_text() for path in CALLERS.values()}


def only(findings: Iterable[Finding], check: str) -> Finding:
    found = [finding for finding in findings if finding.check == check]
    assert len(found) == 1, found
    return found[0]


# --- workflows -------------------------------------------------------------------------------------------


def workflows(
    version: str = VERSION, on_default: frozenset[str] | None = None, of: tuple[str, ...] = (), **changed: str
) -> list[Finding]:
    """Findings on the shipped callers, some changed: `old=>new`, or "" for none. `of`: sealed ones."""
    texts = dict(TEXTS)
    for name, change in changed.items():
        file = f"{name.replace('_', '-')}.yml"
        old, _, new = change.partition("=>")
        assert old in texts[file]
        texts[file] = texts[file].replace(old, new) if change else ""
    read = [found for file, text in texts.items() if (found := callers.read(file, text))]
    there = on_default or frozenset(texts)
    return list(checkup_workflows.findings(read, SHIPPED, version, there, "main", of))


def test_the_shipped_callers_are_in_order() -> None:
    assert {finding.result for finding in workflows()} == {"ok"}


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("pull_request", "fail"),
        ("report", "warn"),
        ("release", "warn"),
        ("promote", "warn"),
        ("rollback", "warn"),
    ],
)
def test_a_caller_that_is_missing(name: str, result: str) -> None:
    found = only(workflows(sealed="", **{name: ""}), "caller-present")
    assert found.result == result
    assert "modelrail init" in found.next


def test_a_report_that_waits_for_another_name() -> None:
    found = only(workflows(sealed="", pull_request="name: model\non=>name: ml checks\non"), "workflow-run")
    assert (found.result, found.next) == ("fail", "workflows: [ml checks]")
    assert "waits for model; pull requests are evaluated by ml checks" in found.what


SEALED = "secrets:\n=>with: {sealed: true}\n    secrets:\n"  # release.yml, as docs/sealed.md says


def test_with_a_sealed_test_set_nothing_posts_what_the_other_run_says() -> None:
    right = workflows(of=("delay",), report="", release=SEALED)
    assert {one.result for one in right} == {"ok"}
    assert [one.check for one in right].count("workflow-run") == 1
    beside = only(workflows(of=("delay",), release=SEALED), "sealed-report")
    assert (beside.result, beside.next) == ("fail", "Delete report.yml: sealed.yml posts the report.")
    assert not [one for one in workflows() if one.check.startswith("sealed")]


def test_with_a_sealed_test_set_somebody_scores_on_it() -> None:
    found = only(workflows(of=("delay",), sealed="", report="", release=SEALED), "sealed-caller")
    assert (found.result, "sealed.yml" in found.next) == ("fail", True)
    found = only(workflows(of=("delay",), report=""), "sealed-release")
    assert (found.result, "nothing can be registered" in found.what) == ("fail", True)
    found = only(
        workflows(of=("delay",), report="", release=SEALED, sealed="workflows: [model]=>workflows: [ml]"),
        "workflow-run",
    )
    assert found.result == "fail"


@pytest.mark.parametrize(
    ("environments", "result"),
    [
        ([], "fail"),
        ([{"name": "modelrail-sealed"}], "fail"),
        ([{"name": "modelrail-sealed", "deployment_branch_policy": {"protected_branches": True}}], "ok"),
    ],
)
def test_the_sealed_data_is_kept_from_workflows_of_other_branches(
    environments: list[dict[str, Any]], result: str
) -> None:
    facts = Remote(repository={"full_name": "o/r"}, kind="classic", environments=environments)
    assert not [one for one in remote_of(facts, ["report"]) if one.check == "sealed-environment"]
    assert only(remote_of(facts, ["sealed"]), "sealed-environment").result == result


def remote_of(facts: Remote, purposes: list[str]) -> list[Finding]:
    return checkup_github.remote(facts, ["delay"], [], [SHIPPED[name] for name in purposes], [])


def test_permissions_that_do_not_suffice_or_are_too_many() -> None:
    found = [
        one for one in workflows(release="contents: write=>contents: read") if one.check == "permissions"
    ]
    (bad,) = [one for one in found if one.result != "ok"]
    assert bad.result == "fail"
    assert "release.yml, job release lacks contents: write: GitHub will not start it." in bad.what
    assert "contents: write" in bad.next
    found = workflows(promote="deployments: write=>deployments: write\n      packages: write")
    (bad,) = [one for one in found if one.result != "ok"]
    assert "grants more than is needed: packages: write" in bad.what
    found = workflows(rollback="permissions: {}\n=>", promote="permissions: {}\n=>")
    assert {one.result for one in found} == {"ok"}  # the jobs say it themselves


def test_a_job_without_permissions() -> None:
    text = TEXTS["promote.yml"]
    cut = text[text.index("    permissions:") : text.index("    with:")]
    found = workflows(promote="permissions: {}\nconcurrency=>concurrency") and workflows(promote=f"{cut}=>")
    (bad,) = [one for one in found if one.result != "ok"]
    assert (bad.result, "lacks contents: write" in bad.what) == ("fail", True)


@pytest.mark.parametrize(
    ("ref", "version", "result"),
    [
        ("v0.1.0", "0.1.0", "ok"),
        ("v0.1.0", "0.2.0", "warn"),
        ("main", "0.1.0", "warn"),
        ("v1", "0.1.0", "warn"),
    ],
)
def test_versions(ref: str, version: str, result: str) -> None:
    changed = {name.removesuffix(".yml").replace("-", "_"): f"@v{VERSION}=>@{ref}" for name in TEXTS}
    assert only(workflows(version, **changed), "version").result == result


def test_a_commit_says_its_version_in_a_comment() -> None:
    pin = f"@v{VERSION}=>@{'a' * 40} # v0.1.0"
    changed = {name.removesuffix(".yml").replace("-", "_"): pin for name in TEXTS}
    assert only(workflows(**changed), "version").what == "The workflows use modelrail v0.1.0."
    assert only(workflows(release=f"@v{VERSION}=>@v0.0.9"), "version").what.startswith(
        "The workflows use different versions of modelrail ("
    )


def test_workflows_that_are_not_on_the_default_branch() -> None:
    found = only(workflows(on_default=frozenset({"pull-request.yml", "report.yml"})), "default-branch")
    assert found.result == "fail"
    assert found.what.startswith("Not on main: promote.yml, release.yml, rollback.yml, sealed.yml.")


def test_dangerous_callers() -> None:
    found = workflows(pull_request="  pull_request:=>  pull_request_target:")
    assert only(found, "pull-request-target").result == "fail"
    text = TEXTS["release.yml"]
    secrets = text[text.index("    secrets:") :]
    assert only(workflows(release=f"{secrets}=>    secrets: inherit\n"), "secrets-inherit").result == "warn"


@pytest.mark.parametrize(
    "text", ["", "- a\n", "{", "a: [", "on: 1\njobs: 2\n", "jobs: {a: {steps: [1, {uses: 3}]}}"]
)
def test_any_file_is_read_or_left(text: str) -> None:
    found = callers.read("x.yml", text)
    assert found is None or found.callers == ()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        ({}, {}),
        ("read-all", "read"),
        ("write-all", "write"),
        ({"contents": "read", "x": "odd"}, {"contents": "read"}),
    ],
)
def test_permissions_are_read(value: object, wanted: object) -> None:
    found = callers.permissions(value)
    assert (found or {}).get("contents") == wanted if isinstance(wanted, str) else found == wanted


# --- configuration, data, git ----------------------------------------------------------------------------


def local(**changes: Any) -> list[Finding]:
    facts = {
        "models": (support_registry.policy(),),
        "git": (2, 39),
        "oldest_git": (2, 34),
        "remote": "x",
        **changes,
    }
    return checkup.local(checkup.Local(**facts), SHIPPED, VERSION)


def test_faults_of_the_configuration() -> None:
    faults = (ConfigFault("models.a.task", "wrong", "Say binary.", 4), ConfigFault("version", "missing"))
    found = [one for one in local(models=(), faults=faults) if one.check == "configuration"]
    assert [one.result for one in found] == ["fail", "fail"]
    assert found[0].what == "modelrail.yaml, line 4, models.a.task: wrong"
    assert found[0].next == "Say binary."
    assert only(local(models=(), absent=True), "configuration").next == "Run `modelrail init`."


def test_a_last_stage_that_nobody_watches() -> None:
    text = support_registry.CONFIG.replace("enter: manual", "enter: on-pass")
    assert only(local(models=(support_registry.policy(text),)), "manual-production").result == "warn"


@pytest.mark.parametrize(
    ("text", "loose"),
    [
        ("numpy==2.1.0\n", []),
        ("numpy==2.1.0 \\\n    --hash=sha256:00\nscipy === 1.2\n", []),
        ("# a note\n-r other.txt\n--no-binary :all:\n\nnumpy>=2 # why\n", ["numpy"]),
        ("numpy\nscipy~=1.2\npandas[all]==2.*\n", ["numpy", "scipy", "pandas"]),
        ("mine @ git+https://example.invalid/x@main\n", ["mine"]),
        (f"mine @ git+https://example.invalid/x@{'a' * 40}\n", []),
        ("numpy==2.1.0; python_version >= '3.11'\n", []),
    ],
)
def test_what_is_pinned(text: str, loose: list[str]) -> None:
    assert checkup.unpinned(text) == loose


def test_requirement_files() -> None:
    found = local(requirements={"a.txt": None, "b.txt": "numpy\n", "c.txt": "x==1\n"})
    pinned = [one for one in found if one.check == "pinned-environment"]
    assert [one.result for one in pinned] == ["warn", "fail", "warn", "ok"]  # the first: no `env` at all
    assert pinned[2].next == "Write what you ask for to b.in: uv pip compile --generate-hashes b.in -o b.txt"


def test_data_that_no_job_would_have() -> None:
    files = (checkup.File(path="a.csv", tracked=""), checkup.File(path="b.csv", tracked="dvc"))
    found = local(data=files)
    assert only(found, "data-tracked").result == "fail"
    assert only(found, "dvc-remote").result == "fail"
    found = local(data=files[1:], dvc_remote=True)
    assert only(found, "data-tracked").what == "1 data files are tracked by DVC."
    assert only(found, "dvc-remote").result == "ok"


def test_git() -> None:
    found = local(git=(2, 30, 2), shallow=True, remote="", ignored=False)
    assert only(found, "git-version").result == "fail"
    assert {only(found, check).result for check in ("shallow", "remote", "ignored")} == {"warn"}


# --- GitHub ----------------------------------------------------------------------------------------------


def ruleset(
    target: str, rules: Iterable[str], include: Iterable[str] = ("~ALL",), **more: Any
) -> dict[str, Any]:
    names = {"include": list(include), "exclude": more.pop("exclude", [])}
    return {
        "name": "r", "target": target, "enforcement": "active", "rules": [{"type": rule} for rule in rules],
        "conditions": {"ref_name": names},
    } | more  # fmt: skip


def waits_for(*names: str) -> dict[str, Any]:
    """A ruleset by which the default branch waits for these checks."""
    rule = {
        "type": "required_status_checks",
        "parameters": {"required_status_checks": [{"context": name} for name in names]},
    }
    return {**ruleset("branch", [], ["~DEFAULT_BRANCH"]), "rules": [rule]}


def github(**changes: Any) -> list[Finding]:
    facts: dict[str, Any] = {
        "repository": {"full_name": "octo/flights", "default_branch": "main", "private": False},
        "kind": "fine-grained",
        "actions": {"enabled": True, "allowed_actions": "all", "sha_pinning_required": False},
        "workflow": {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False},
        "approval": {"approval_policy": "first_time_contributors"},
        "rulesets": [
            ruleset("tag", ["update", "deletion"]),
            ruleset("branch", ["non_fast_forward", "deletion"], ["refs/heads/modelrail/ledger"]),
            ruleset("branch", ["pull_request"], ["~DEFAULT_BRANCH"]),
            waits_for("modelrail"),
        ],
        "environments": [
            {
                "name": "production", "protection_rules": [{"type": "required_reviewers"}],
                "deployment_branch_policy": {"protected_branches": True},
            }
        ],
        "immutable": {"enabled": True},
        **changes,
    }  # fmt: skip
    used = [caller for purpose, caller in SHIPPED.items() if purpose != "sealed"]
    return checkup_github.remote(Remote(**facts), ["delay"], ["production"], used, ["actions/checkout"])


def test_settings_in_order() -> None:
    assert {finding.result for finding in github()} == {"ok"}


@pytest.mark.parametrize(
    ("change", "check", "result", "words"),
    [
        ({"kind": "classic", "scopes": ("repo", "delete_repo")}, "token-scope", "warn", "delete_repo"),
        ({"repository": {"full_name": "o/f", "archived": True}}, "archived", "fail", "archived"),
        ({"actions": {"enabled": False}}, "actions", "fail", "switched off"),
        ({"actions": {"enabled": True, "allowed_actions": "local_only"}}, "actions", "fail", "checkout"),
        (
            {"actions": {"enabled": True, "allowed_actions": "all", "sha_pinning_required": True}},
            "pinning", "fail", "pinned by commit",
        ),
        ({"workflow": {"default_workflow_permissions": "write"}}, "default-permissions", "warn", "writes"),
        (
            {"workflow": {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": True}},
            "approvals", "warn", "approve",
        ),
        ({"forks": {"send_write_tokens_to_workflows": True}}, "forks", "fail", "tokens that write"),
        ({"forks": {"send_secrets_and_variables": True}}, "forks", "fail", "secrets"),
        ({"forks": {}}, "forks", "ok", "no secrets"),
        ({"approval": {"approval_policy": NEW}}, "approval", "warn", "new"),
        ({"rulesets": []}, "tags-protected", "warn", "deleted and moved"),
        ({"rulesets": []}, "ledger-protected", "warn", "deleted and rewound"),
        ({"rulesets": []}, "default-protected", "warn", "change the gates"),
        ({"environments": []}, "environment", "warn", "no environment production"),
        ({"environments": [{"name": "production"}]}, "environment", "warn", "Nobody has to approve"),
        ({"environments": [{"name": "production"}]}, "environment-branches", "warn", "any branch"),
        ({"immutable": {"enabled": False}}, "immutable-releases", "warn", "exchanged"),
    ],
)  # fmt: skip
def test_settings_that_are_not(change: dict[str, Any], check: str, result: str, words: str) -> None:
    found = only(github(**change), check)
    assert (found.result, words in found.what) == (result, True), found
    assert found.next or result == "ok"


@pytest.mark.parametrize(
    "name", ["actions", "workflow", "approval", "forks", "rulesets", "environments", "immutable"]
)
def test_what_the_token_may_not_ask_is_skipped_with_a_word(name: str) -> None:
    found = [one for one in github(**{name: Unseen(why="no.")}) if one.result != "ok"]
    assert [one.result for one in found] == ["skip"]
    assert found[0].what.endswith("could not be seen: no.")


@pytest.mark.parametrize(
    ("patterns", "github_owned", "allowed"),
    [
        (["modelrail/modelrail/*"], True, True),
        (["modelrail/*"], True, True),
        (["modelrail/modelrail@*"], True, True),
        (["modelrail/modelrail/.github/workflows/evaluate.yml@v0.1.0"], True, False),
        (["modelrail/modelrail/*@v9"], True, False),
        (["modelrail/*"], False, False),
        (["modelrail/*", "actions/checkout@*"], False, True),
        ([], True, False),
    ],
)
def test_selected_actions(patterns: list[str], github_owned: bool, allowed: bool) -> None:
    policy = {"enabled": True, "allowed_actions": "selected"}
    selected = {"github_owned_allowed": github_owned, "patterns_allowed": patterns}
    found = only(github(actions=policy, selected=selected), "actions")
    assert found.result == ("ok" if allowed else "fail"), found


@pytest.mark.parametrize(
    ("pattern", "ref", "fits"),
    [
        ("refs/tags/*", "refs/tags/delay@v1.0.0", True),
        ("refs/tags/*", "refs/tags/fraud/card@v1.0.0", False),
        ("refs/tags/**/*", "refs/tags/fraud/card@v1.0.0", True),
        ("refs/tags/**/*", "refs/tags/delay@v1.0.0", True),
        ("refs/tags/*@v*", "refs/tags/delay#production#1", False),
        ("refs/tags/delay?v1.0.0", "refs/tags/delay@v1.0.0", True),
        ("refs/tags/[a]", "refs/tags/a", False),
    ],
)
def test_patterns_of_rulesets(pattern: str, ref: str, fits: bool) -> None:
    assert checkup_rules.glob(ref, pattern) is fits


@pytest.mark.parametrize(
    ("sharded", "names", "result", "words"),
    [
        (False, ["modelrail"], "ok", "modelrail"),
        (False, ["lint", "model / evaluate"], "ok", "model / evaluate"),
        (False, ["lint"], "warn", "No ruleset makes a merge wait"),
        (False, [], "warn", "No ruleset makes a merge wait"),
        (True, ["modelrail"], "ok", "modelrail"),
        (True, ["model / compare"], "ok", "model / compare"),
        (True, ["model / evaluate"], "warn", "only trains"),
    ],
)
def test_a_merge_waits_for_the_check_that_knows_the_verdict(
    sharded: bool, names: list[str], result: str, words: str
) -> None:
    text = TEXTS["pull-request.yml"]
    if sharded:
        text = text.replace("    secrets:", "    with:\n      shards: 8\n    secrets:", 1)
    workflow = callers.read("pull-request.yml", text)
    assert workflow is not None
    found = checkup_rules.required([waits_for(*names)], workflow.callers, "main")
    assert (found.result, words in found.what) == (result, True), found
    elsewhere = {**waits_for(*names), "conditions": {"ref_name": {"include": ["refs/heads/x"]}}}
    assert checkup_rules.required([elsewhere], workflow.callers, "main").result == "warn"


def test_rules_that_protect_only_some_tags_do_not_count() -> None:
    for include, exclude in ((["refs/tags/*@v*"], []), (["~ALL"], ["refs/tags/delay#*"])):
        one = ruleset("tag", ["update", "deletion"], include, exclude=exclude)
        assert only(checkup_rules.findings([one], ["delay"], "main"), "tags-protected").result == "warn"
    off = ruleset("tag", ["update", "deletion"], enforcement="evaluate")
    assert only(checkup_rules.findings([off], ["delay"], "main"), "tags-protected").result == "warn"
    both = [ruleset("tag", ["update"]), ruleset("tag", ["deletion"])]
    assert only(checkup_rules.findings(both, ["delay"], "main"), "tags-protected").result == "ok"


def test_rules_that_keep_us_from_writing() -> None:
    found = list(checkup_rules.findings([ruleset("tag", ["creation"])], ["delay"], "main"))
    assert only(found, "rules-in-the-way").result == "fail"
    found = list(checkup_rules.findings([ruleset("branch", ["pull_request"])], ["delay"], "main"))
    assert "the branch modelrail/ledger" in only(found, "rules-in-the-way").what
    allowed = ruleset("tag", ["creation"], bypass_actors=[{"actor_id": 1}])
    assert not [one for one in checkup_rules.findings([allowed], ["delay"], "main") if one.result == "fail"]
