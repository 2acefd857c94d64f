"""Records in, report out: verdict first, nothing better than it is, everything within its budget."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import jinja2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import support_records as sample
from modelrail import records
from modelrail.core.metrics import catalog
from modelrail.report import html, render, text, view
from modelrail.report.view import ModelRecords

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
REPORT = Path(render.__file__).parent


def build(*models: ModelRecords) -> view.View:
    return view.build(models, sample.RUN)


def markdown(*models: ModelRecords) -> str:
    return render.markdown(build(*models))


def with_comparison(found: ModelRecords, **changes: object) -> ModelRecords:
    assert found.comparison is not None
    return msgspec.structs.replace(found, comparison=msgspec.structs.replace(found.comparison, **changes))


# --- what a reader sees -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("situation", "verdict", "first", "second"),
    [
        (
            "pass",
            "pass",
            "### ✅ Fine to merge: all 3 gates pass; ROC AUC rose by 0.011 &#91;0.006, 0.016&#93;",
            "**`delay` may replace `v1.2.1`.** ROC AUC rises by 0.011",
        ),
        (
            "worse-slice",
            "fail",
            "### ⛔ Do not merge: recall for carrier EV fell by 4.1 points &#91;2.9, 5.3&#93;",
            "**`delay` should not replace `v1.2.1`.** Recall for carrier EV falls",
        ),
        (
            "inconclusive",
            "inconclusive",
            "### ❔ Do not merge yet: 412 rows cannot say whether “ROC AUC, may fall by at most 0.005” holds",
            "**It cannot be decided whether `delay` may replace `v1.2.1`.** ROC AUC may have",
        ),
        (
            "bootstrap",
            "pass",
            "### ✅ Fine to merge: the gate passes; it would be the first version",
            "no baseline yet",
        ),
        (
            "training-failed",
            "fail",
            "### ⛔ Do not merge: training failed",
            "`delay` could not be evaluated: training failed.** The",
        ),
        (
            "three-models",
            "fail",
            "### ⛔ Do not merge: 2 of 3 models should not replace what is in place",
            "| result | model |",
        ),
    ],
)
def test_verdict_first_then_the_reason(situation: str, verdict: str, first: str, second: str) -> None:
    built = build(*sample.SITUATIONS[situation])
    lines = [line for line in render.markdown(built).split("\n") if line]
    assert built.verdict == verdict
    assert lines[0] == first
    assert second in lines[1]


def test_what_changed_names_files_parameters_and_packages() -> None:
    """Of strangers: a path is shown as code, never read."""
    evil = records.ChangedFile(path="a|b`$(id)`<img src=x>@team.py", kind="added", added=2, removed=0)
    code = sample.code_changes()
    found = msgspec.structs.replace(
        sample.passing(),
        candidate=msgspec.structs.replace(
            sample.candidate(), packages={"python": "3.12.1", "numpy": "2.1.0", "scikit-learn": "1.6.0"}
        ),
        baseline=msgspec.structs.replace(
            sample.baseline(),
            candidate=msgspec.structs.replace(
                sample.baseline().candidate, packages={"python": "3.12.1", "scikit-learn": "1.5.2"}
            ),
        ),
        code=msgspec.structs.replace(code, total=4, files=(*code.files, evil)),
    )
    shown = markdown(found)
    assert "| parameter model.max&#95;depth |" in shown or "| parameter model.max_depth |" in shown
    assert "| package scikit-learn | `1.5.2` | **`1.6.0`** |" in shown
    assert "| package numpy | `not installed` | **`2.1.0`** |" in shown
    assert "| python |" not in shown
    assert "4 files changed since v1.2.1, +38 \u22123 lines:" in shown
    assert "- `train.py` +4 \u22122" in shown
    assert "- `features.py` added, +31 \u22120" in shown
    assert "<img" not in shown
    assert "@team" not in shown
    other = msgspec.structs.replace(found, code=msgspec.structs.replace(code, baseline="f" * 40))
    assert "files changed since" not in markdown(other), "a record of other commits tells nothing"
    many = tuple(msgspec.structs.replace(evil, path=f"f{at}.py") for at in range(60))
    cut = msgspec.structs.replace(found, code=msgspec.structs.replace(code, total=5000, files=many))
    assert "5,000 files changed since v1.2.1:" in markdown(cut)
    assert "- … and 4988 more" in markdown(cut)


def test_what_blocks_stands_first_in_words_as_well_as_signs() -> None:
    shown = markdown(sample.worse_slice())
    table = [line for line in shown.split("\n") if line.startswith("|")][2:]
    assert table[0] == (
        "| ⛔ worse | Recall at precision 0.6, every carrier, may fall by at most 0.03 | 0.482 | "
        "**0.441** for carrier EV | \u22120.041 (\u22120.053&nbsp;…&nbsp;\u22120.029) |"
    )
    assert table[1].startswith("| ⚠️ fails, warning only |")
    assert all(re.match(r"\| (✅|⛔|⚠️|❔) [a-z]", line) for line in table[:5])
    assert (
        "**Next:** look at the rows with carrier EV. If it is merged anyway, no version is "
        "registered, and v1.2.1 stays in production. The rule is `models.delay.gates[3]`" in shown
    )


def test_slices_worst_first_with_their_counts() -> None:
    shown = markdown(sample.worse_slice())
    assert (
        "<summary>Slices: 1 of 8 comparisons worse, 1 better, 4 not worse, 1 undecided, "
        "1 with too few rows</summary>" in shown
    )
    part = shown.split("Slices:")[1]
    order = [part.index(name) for name in ("carrier EV", "carrier HA", "carrier DL", "carrier UA")]
    assert order == sorted(order)


def test_what_changed_needs_the_baselines_evidence() -> None:
    shown = markdown(sample.worse_slice())
    assert (
        "What changed: code, 1 parameter (model.max_depth); same training data, test data, environment"
        in shown
    )
    assert "| parameter model.max_depth | `6` | **`9`** |" in shown
    without = markdown(msgspec.structs.replace(sample.worse_slice(), baseline=None))
    assert "What it is made of" in without
    assert "model.max_depth: 9" in without


def test_lineage_and_footer() -> None:
    shown = markdown(sample.passing())
    for value in (sample.COMMIT, "md5:" + "5b" * 16, sample.digest("1"), "0f" * 16, sample.digest("7")):
        assert f"`{value}`" in shown
    assert "[run](https://github.com/example/flights/actions/runs/812)" in shown
    assert "v1.2.1 has been in production since 2026-10-29" in shown


def test_a_failure_shows_its_last_lines() -> None:
    shown = markdown(sample.training_failed())
    assert "```text\nTraceback (most recent call last):\n  File" in shown
    assert "At `models.delay.train`." in shown


@pytest.mark.fault(22)
def test_a_changed_policy_is_said() -> None:
    assert "This change edits the gates or stages" in markdown(sample.inconclusive())
    assert "edits the gates" not in markdown(sample.passing())


# --- never better than it is -----------------------------------------------------------------------------


def test_no_record_at_all_blocks() -> None:
    assert build().verdict == "fail"
    assert "Nothing was evaluated" in markdown()
    assert build(ModelRecords(model="delay")).verdict == "fail"
    assert "no candidate was trained" in markdown(ModelRecords(model="delay"))


def test_unfinished_failed_data_and_failure_block() -> None:
    passing = sample.passing()
    assert build(msgspec.structs.replace(passing, comparison=None)).verdict == "fail"
    assert build(msgspec.structs.replace(passing, data=sample.data_report(passed=False))).verdict == "fail"
    assert build(msgspec.structs.replace(passing, failure=sample.training_failed().failure)).verdict == "fail"
    assert build(passing, sample.training_failed("fraud")).verdict == "fail"
    assert build(passing).verdict == "pass"


def test_a_verdict_that_its_gates_do_not_carry_blocks() -> None:
    lie = with_comparison(sample.worse_slice(), verdict="pass")
    assert build(lie).verdict == "fail"
    assert "contradict each other" in markdown(lie)
    unsure = with_comparison(sample.inconclusive(), verdict="pass")
    assert build(unsure).verdict == "inconclusive"
    warned = with_comparison(
        sample.worse_slice(), verdict="pass", gates=sample.worse_slice().comparison.gates[4:]
    )  # type: ignore[union-attr]
    assert build(warned).verdict == "pass"


def test_records_of_another_model_block() -> None:
    mixed = msgspec.structs.replace(sample.passing(), candidate=sample.candidate("fraud"))
    assert build(mixed).verdict == "fail"
    assert "belongs to another model, fraud" in markdown(mixed)


@pytest.mark.fault(20)
def test_scored_bytes_that_were_not_trained_block() -> None:
    other = records.ModelFile(name="model.skops", digest=sample.digest("8"), size=1, format="skops")
    mixed = msgspec.structs.replace(sample.passing(), candidate=sample.candidate(file=other))
    assert build(mixed).verdict == "fail"


# --- budget ----------------------------------------------------------------------------------------------


@pytest.mark.fault(28)
def test_five_thousand_metrics_and_two_thousand_slices_fit() -> None:
    built = build(sample.huge())
    for budget in (render.BUDGET, 20_000, 6_000, 3_000):
        shown = render.markdown(built, budget)
        assert len(shown.encode()) <= budget
        assert shown.startswith("### ⛔ Do not merge: ROC AUC for airport A1999 fell")
        assert "airport A1999 falls" in shown
        assert "rule 4321" in shown
    shown = render.markdown(built)
    assert "airport A1999" in shown.split("Slices:")[1]
    assert "… and 1,960 more rows" in shown or "… and 1960 more rows" in shown
    assert "4960 more metrics" in shown


@pytest.mark.fault(29)
def test_the_summary_has_more_room_and_a_limit_too() -> None:
    built = build(*(sample.huge(f"m{index}") for index in range(3)))
    summary = render.markdown(built, render.SUMMARY_BUDGET)
    assert render.BUDGET < len(summary.encode()) <= render.SUMMARY_BUDGET
    assert len(render.markdown(built).encode()) <= render.BUDGET


@pytest.mark.fault(28)
def test_many_models_of_the_longest_names_fit() -> None:
    many = [
        msgspec.structs.replace(sample.training_failed(), model=f"{index}" + "@|\u202e" * 200)
        for index in range(300)
    ]
    shown = markdown(*many)
    assert len(shown.encode()) <= render.BUDGET
    assert shown.startswith("### ⛔ Do not merge: 300 of 300 models")
    assert re.search(r"… and \d+ more models", shown)
    assert len(render.markdown(build(*many), 300).encode()) <= 300


def test_the_same_records_make_the_same_bytes() -> None:
    assert markdown(sample.worse_slice()) == markdown(sample.worse_slice())


# --- inert -----------------------------------------------------------------------------------------------

HOSTILE = (
    "|@team #123 ![x](https://evil.example/p.png)<!-- modelrail:report --></details><b>`a`\n\n# h\u202e"
    " www.e.example"
)


def poisoned(poison: str) -> ModelRecords:
    """Every text that a record can hold, poisoned."""

    def walk(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: walk(item, name) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [walk(item, key) for item in value]
        free = {
            "what",
            "why",
            "next",
            "path",
            "tail",
            "title",
            "detail",
            "headline",
            "note",
            "notes",
            "value",
            "column",
            "check",
            "metric",
            "name",
            "commit",
            "run_id",
            "experiment",
            "digest",
            "method",
            "since",
            "version",
        }
        return poison + value if isinstance(value, str) and key in free else value

    found = sample.worse_slice()
    changed = {}
    for name in ("data", "evaluation", "comparison"):
        record = getattr(found, name)
        changed[name] = msgspec.convert(walk(msgspec.to_builtins(record)), type(record))
    candidate = msgspec.convert(walk(msgspec.to_builtins(found.candidate)), records.Candidate)
    changed["candidate"] = msgspec.structs.replace(candidate, params={poison: poison}, model="delay")
    return msgspec.structs.replace(found, **changed)


def links_and_tags(source: str) -> tuple[set[str], list[str], set[str]]:
    tags: set[str] = set()
    hrefs: list[str] = []
    types: set[str] = set()
    for token in MARKDOWN.parse(source):
        for part in (token, *(token.children or [])):
            types.add(part.type)
            if part.type in {"html_block", "html_inline"}:
                tags |= set(re.findall(r"<[^>]*>", part.content))
            if part.type == "link_open":
                hrefs.append(str(part.attrs["href"]))
    return tags, hrefs, types


@pytest.mark.fault(27)
@settings(max_examples=15, deadline=None)
@given(
    st.one_of(
        st.just(HOSTILE), st.text(alphabet="|@#<>[]()!`*_~\\&:/.-+=1a \n\t\u202e", min_size=1, max_size=30)
    )
)
def test_a_report_of_poisoned_records_is_still_only_our_markup(poison: str) -> None:
    shown = markdown(poisoned(poison))
    tags, hrefs, types = links_and_tags(shown)
    assert tags <= {
        "<details>",
        "<details open>",
        "<summary>",
        "</summary>",
        "</details>",
        "<sub>",
        "</sub>",
        "<code>",
        "</code>",
    }
    assert hrefs == [sample.RUN.url]
    assert "image" not in types
    assert "<!--" not in shown
    assert "\u202e" not in shown
    for found in (tables := [t for t in MARKDOWN.parse(shown) if t.type == "table_open"]):
        assert found.map is not None
    assert len(tables) == 6


@pytest.mark.fault(27)
def test_a_card_and_release_notes_of_poisoned_evidence() -> None:
    bad = poisoned(HOSTILE)
    assert bad.candidate
    assert bad.evaluation
    assert bad.comparison
    evidence = records.Evidence(
        model="delay",
        candidate=bad.candidate,
        data=None,
        evaluation=bad.evaluation,
        comparison=bad.comparison,
        modelrail="0.1.0",
    )
    for shown in (render.model_card(evidence, "v1.3.0"), render.release_notes(evidence, "v1.3.0")):
        tags, hrefs, types = links_and_tags(shown)
        assert tags <= {"<code>", "</code>"}
        assert hrefs == []
        assert "image" not in types
    comment = render.registered_comment(HOSTILE, reason=HOSTILE)
    assert links_and_tags(comment)[0] <= {"<code>", "</code>"}


def test_a_template_cannot_forget_to_escape() -> None:
    env = render.environment()
    template = env.from_string("{{ x }} {{ 'a<' ~ x }} {{ [x] }} {% set y = x %}{{ y }}")
    assert "<" not in template.render(x="<b>")
    with pytest.raises(jinja2.TemplateAssertionError):
        env.from_string("{{ x|safe }}")


def test_raw_is_made_only_where_it_is_reviewed() -> None:
    """`Raw(...)` of a text that is not ours would be the one way around."""
    made = {}
    for path in REPORT.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == "Raw"
        ]
        if calls:
            made[path.name] = len(calls)
    assert made == {"inert.py": 8, "render.py": 1, "rows.py": 2}


# --- other formats ---------------------------------------------------------------------------------------


def test_json_has_the_unrounded_comparison() -> None:
    document = json.loads(render.as_json(build(sample.worse_slice(), sample.training_failed("fraud"))))
    assert document["verdict"] == "fail"
    delay = next(each for each in document["models"] if each["model"] == "delay")
    assert delay["comparison"]["gates"][3]["difference"] == pytest.approx(-0.041)
    assert next(each for each in document["models"] if each["model"] == "fraud")["failure"]["code"] == 11


@pytest.mark.fault(26)
def test_the_terminal_gets_no_control_characters() -> None:
    shown = text.text(build(poisoned("\x1b]0;title\x07\x1b[2J\u202e\r"), sample.training_failed("fraud")))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)


def test_the_terminal_lines_up() -> None:
    shown = text.text(build(sample.worse_slice()))
    lines = shown.split("\n")
    start = next(index for index, line in enumerate(lines) if line.startswith("  GATE "))
    end = lines[start].index("V1.2.1 NOW") + len("V1.2.1 NOW")
    assert lines[start + 2][:end].endswith(" 0.482")
    assert lines[start + 4][:end].endswith(" 0.731")
    assert set(lines[start + 1].strip()) == {"─"}


# --- card and after the merge ----------------------------------------------------------------------------


def test_the_card_says_how_good_from_what_and_how_to_load() -> None:
    card = render.model_card(sample.evidence(), "v1.3.0", evidence_digest=sample.digest("7"))
    assert card.startswith("# delay v1.3.0\n")
    for part in (
        "binary classification",
        "+0.011 (+0.006",
        "skops.io.load('model.skops'",
        "sha256sum -c",
        sample.digest("7"),
        "`model.max_depth`",
        "carrier HA",
    ):
        assert part in card
    assert "**ROC AUC rises by 0.011" in render.release_notes(sample.evidence(), "v1.3.0")


@pytest.mark.parametrize("form", ["skops", "onnx", "joblib", "mlflow", "custom"])
def test_every_format_has_a_way_to_load(form: str) -> None:
    name = "it's `a`.bin"
    file = records.ModelFile(name=name, digest=sample.digest("1"), size=10, format=form)  # type: ignore[arg-type]
    card = render.model_card(sample.evidence(candidate=sample.candidate(file=file)), "v1.0.0")
    block = next(token.content for token in MARKDOWN.parse(card) if token.type == "fence")
    code = block.split("\n\n", 1)[1]
    ast.parse(code)
    assert form == "custom" or name in code


def test_registered_and_not_registered() -> None:
    good = render.registered_comment("delay", version="v1.3.0", stages=("staging",), tag="delay@v1.3.0")
    assert good.startswith("✅ `delay` **`v1.3.0`** is registered, and in `staging`.")
    bad = render.registered_comment(
        "delay", reason="recall fell", run_url="https://github.com/o/r/actions/runs/1"
    )
    assert bad.startswith("⛔ `delay` is merged, but **no version is registered**: recall fell")
    assert "[Look at the run](https://github.com/o/r/actions/runs/1)" in bad


def test_every_method_of_the_intervals_is_named() -> None:
    found = sample.passing()
    methods = ("bootstrap-t", "delong", "influence-function", "joint-cells-delta")
    row = found.comparison.metrics[0]
    rows = tuple(
        msgspec.structs.replace(row, interval=msgspec.structs.replace(row.interval, method=method))
        for method in methods
    )
    comparison = msgspec.structs.replace(found.comparison, metrics=rows)
    text = render.markdown(view.build([msgspec.structs.replace(found, comparison=comparison)], sample.RUN))
    assert (
        "(by the bootstrap-t, DeLong's method, influence functions, the joint counts of both models' answers)"
        in text
    )
    known = {one.method for one in catalog.METRICS if one.interval != "none"} | {"bootstrap-t"}
    assert known == set(view._METHODS)


def test_a_release_run_does_not_ask_to_merge() -> None:
    """Its report stands in its summary and beside the release's files: there the merge is past."""
    run = msgspec.structs.replace(sample.RUN, merging=False)
    for found in (sample.passing(), sample.worse_slice()):
        shown = view.build([found], run)
        for said in (render.markdown(shown), html.html(shown), text.text(shown)):
            assert "register" in said
            assert "merge" not in said
            assert "base branch" not in said
