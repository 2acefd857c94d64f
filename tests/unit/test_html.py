"""The HTML report as text: nothing foreign in it, nothing lost from it, small enough."""

from __future__ import annotations

import base64
import hashlib
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import support_html
import support_records as sample
from modelrail import records
from modelrail.report import (
    html,
    html_model,
    html_sections,
    render,
    svg,
    svg_curves,
    svg_heat,
    view,
)
from support_page import Page, made

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}\u202e\x1b[31m&lt;"
SHAPES = {"path", "rect", "circle", "line"}


@pytest.mark.parametrize("name", support_html.SITUATIONS)
def test_it_is_one_sound_file_that_names_no_other(name: str) -> None:
    text = made(*support_html.SITUATIONS[name])
    assert len(text.encode()) <= html.BUDGET
    page = Page(text)
    assert text.lower().startswith("<!doctype html>")
    for tag, attributes in page.elements:
        for attribute in ("src", "href", "action", "data", "poster", "xlink:href", "srcset", "style"):
            value = attributes.get(attribute)
            allowed = (
                value is None or value.startswith(("#", "data:image/svg+xml,")) or value == sample.RUN.url
            )
            assert allowed, f"<{tag} {attribute}={value!r}>"
        assert not any(attribute.startswith("on") for attribute in attributes)
    assert not re.search(r"url\(|@import|@font-face", text)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for attribute in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(attribute, ids[0]) in ids
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids


def test_the_policy_allows_our_style_and_script_alone() -> None:
    text = made(*support_html.SITUATIONS["fail"])
    policy = Page(text).all("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (found,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(found.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy["content"]
    assert "default-src 'none'" in policy["content"]
    assert "unsafe" not in policy["content"]


def test_it_says_what_the_comment_says() -> None:
    found = support_html.flights()
    page = Page(made(found)).text
    (model,) = view.build([found], sample.RUN).models
    assert model.headline in page
    assert "delay should not replace v1.2.1" in page
    for gate in model.gates:
        assert gate.title in page
    for row in (*model.metrics, *model.slices):
        assert row.difference in page
    assert "What changed" in page
    assert sample.digest("1") in page  # the model's digest, in full


@pytest.mark.fault(26)
def test_hostile_text_stays_text() -> None:
    found = support_html.flights()
    assert found.comparison is not None
    assert found.evaluation is not None
    assert found.candidate is not None
    bad_row = msgspec.structs.replace(
        support_html.rows()[7], metric=EVIL, note=EVIL, slice=records.SliceRef(column=EVIL, value=EVIL)
    )
    bad_gate = msgspec.structs.replace(
        found.comparison.gates[0], title=EVIL, detail=EVIL, path=EVIL, slice=bad_row.slice
    )
    poisoned = msgspec.structs.replace(
        found,
        comparison=msgspec.structs.replace(
            found.comparison,
            metrics=(bad_row, *found.comparison.metrics),
            gates=(bad_gate,),
            headline=EVIL,
            notes=(EVIL,),
        ),
        candidate=msgspec.structs.replace(found.candidate, params={EVIL: EVIL}),
        evaluation=msgspec.structs.replace(
            found.evaluation,
            baseline_ref=msgspec.structs.replace(
                found.evaluation.baseline_ref, version=EVIL, stage=EVIL, since=EVIL
            ),
        ),
        plots=records.Plots(
            model="delay",
            comparison=EVIL,
            confusion=(
                records.ConfusionMatrix(role="candidate", labels=(EVIL, "b"), counts=((1, 2), (3, 4))),
            ),
        ),
        extras=(
            records.Distributions(
                model="delay",
                reference=EVIL,
                current=EVIL,
                distance=EVIL,
                columns=(
                    records.ColumnDistribution(
                        column=EVIL, labels=(EVIL,), reference=(1,), current=(1,), distance=1.0, note=EVIL
                    ),
                ),
            ),
            records.Importances(
                model="delay", method=EVIL, features=(records.Importance(feature=EVIL, candidate=1.0),)
            ),
        ),
        failure=None,
    )
    failed = msgspec.structs.replace(
        sample.training_failed(),
        failure=records.Failure(
            model="delay",
            command=EVIL,
            kind=EVIL,
            code=1,
            what=EVIL,
            why=EVIL,
            next=EVIL,
            path=EVIL,
            tail=EVIL,
        ),
    )
    for text in (made(poisoned), made(failed), made(poisoned, failed)):
        page = Page(text)
        assert len(page.all("script")) == 1
        assert not page.all("img")
        assert "alert(1)" in page.text
        assert "{{7*7}}" in page.text
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert "⟨U+202E⟩" in page.text


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_makes_an_element(one: str, two: str) -> None:
    found = sample.worse_slice()
    assert found.comparison is not None
    plain = [tag for tag, _ in Page(made(found)).elements]
    changed = msgspec.structs.replace(
        found, comparison=msgspec.structs.replace(found.comparison, headline=f"h{one}", notes=(f"n{two}",))
    )
    extra = [tag for tag, _ in Page(made(changed)).elements]
    assert [*plain, *("p", "b")].count("p") == extra.count("p")
    assert plain.count("b") + 1 == extra.count("b")
    assert len(plain) + 2 == len(extra)


@pytest.mark.fault(26)
def test_no_line_is_a_workflow_command() -> None:
    failure = msgspec.structs.replace(
        sample.training_failed().failure,
        tail="::add-mask::x\n  ::error::y\n##[group]z",
        why="::stop-commands::q",
    )
    text = made(msgspec.structs.replace(sample.training_failed(), failure=failure))
    assert not re.search(r"(?m)^\s*::|##\[", text)
    assert "::add-mask::x" in Page(text).text


def test_links_of_the_surroundings_lead_nowhere_else() -> None:
    run = view.Run(url="javascript:alert(1)", commit="x", tool="0")
    text = html.html(view.build(support_html.SITUATIONS["fail"], run))
    assert "javascript:" not in text


# --- parts -----------------------------------------------------------------------------------------------


def test_every_kind_of_extra_record_has_its_section_and_shows_itself() -> None:
    assert set(html_sections.BUILDERS) == set(records.EXTRAS)
    found = support_html.extras()
    assert {type(extra) for extra in found} == set(records.EXTRAS)
    without = Page(made(support_html.flights())).text
    for extra in found:
        (section,) = html_sections.build([extra], svg.Names(baseline="v1.2.1"))
        assert section.figures
        page = Page(made(support_html.flights(extras=(extra,))))
        assert section.title in page.text
        assert section.title not in without
        assert any(attributes.get("id") == f"m1-{section.key}" for _, attributes in page.elements)


def test_a_search_and_other_baselines_have_their_sections() -> None:
    found = support_html.flights()
    assert found.comparison is not None
    comparison = msgspec.structs.replace(
        found.comparison,
        others=(
            records.OtherRow(
                name="majority",
                metric="roc_auc",
                value=0.5,
                candidate=0.7423,
                difference=0.2423,
                interval=sample.interval(0.238, 0.246),
                verdict="better",
            ),
        ),
        search=records.SliceSearch(
            metric="roc_auc",
            depth=2,
            min_rows=200,
            looked=412,
            correction="holm",
            found=tuple(
                records.FoundSlice(
                    slice=records.SliceRef(column="carrier, origin", value="EV, LGA"),
                    kind=kind,
                    rows=1211,
                    candidate=0.66,
                    baseline=0.71,
                    effect=-0.05,
                    interval=sample.interval(-0.07, -0.03),
                    p_value=p_value,
                )
                for kind, p_value in (("level", 0.001), ("difference", 0.4))
            ),
        ),
    )
    page = Page(made(msgspec.structs.replace(found, comparison=comparison))).text
    for words in ("Beside other baselines", "majority", "+0.242", "The worst-served slices", "412 slices"):
        assert words in page
    for words in ("carrier, origin EV, LGA", "than v1.2.1", "beyond chance", "chance explains it"):
        assert words in page
    without = Page(made(found)).text
    assert "Beside other baselines" not in without
    assert "The worst-served slices" not in without


def test_the_line_over_the_versions_says_what_the_comment_says() -> None:
    found = support_html.flights()
    (model,) = view.build([found], sample.RUN).models
    assert model.trend is not None
    page = Page(made(found)).text
    assert "ROC AUC over the versions" in page
    assert model.trend.words in page
    assert "over the versions" not in Page(made(msgspec.structs.replace(found, history=None))).text


def test_every_picture_has_a_name_and_the_numbers_beside_it() -> None:
    page = Page(made(support_html.flights(extras=support_html.extras())))
    drawn = [attributes for attributes in page.all("svg") if attributes.get("role") == "img"]
    assert len(drawn) >= 10
    assert all(attributes["aria-labelledby"] for attributes in drawn)
    assert all(
        attributes.get("role") == "img" or attributes.get("aria-hidden") == "true" or "class" in attributes
        for attributes in page.all("svg")
    )
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(attributes.get("scope") in {"row", "col"} for attributes in page.all("th"))


def test_a_large_map_is_drawn_with_a_path_a_verdict() -> None:
    found = tuple(
        sample.metric(
            f"metric_{column}",
            0.7,
            0.71,
            -0.01,
            0.03,
            "worse" if row % 7 == column else "better",
            where=("airport", f"A{row:03}"),
        )
        for row in range(200)
        for column in range(100)
    )
    (model,) = view.build(
        [support_html.flights(comparison=sample.comparison(metrics=found))], sample.RUN
    ).models
    figure = svg_heat.slices(model.slices, found)
    assert figure is not None
    assert figure.body.count("<path") == 2
    assert len(figure.body) < 450_000


def test_confusion_tables_up_to_ten_classes_and_a_picture_above() -> None:
    names = svg.Names(baseline="v1")
    small = support_html.plots().confusion
    assert [len(matrix.rows) for matrix in svg_heat.matrices(small, names)] == [2, 2, 2]
    assert svg_heat.confusion(small, names) is None
    plots = support_html.multiclass().plots
    assert plots is not None
    assert svg_heat.matrices(plots.confusion, names) == ()
    figure = svg_heat.confusion(plots.confusion, names)
    assert figure is not None
    assert figure.table is not None
    assert len(figure.table.rows) == 25


def test_a_difference_on_the_diagonal_is_better_when_it_grows() -> None:
    names = svg.Names(baseline="v1")
    matrix = svg_heat.matrices(support_html.plots().confusion, names)[2]
    kinds = {
        (name, matrix.labels[at]): kind
        for name, cells in matrix.rows
        for at, (_, _, kind) in enumerate(cells)
    }
    assert kinds["late", "late"] == "better"
    assert kinds["late", "on time"] == "better"
    assert kinds["on time", "late"] == "worse"


def test_curves_say_their_numbers() -> None:
    roc, recall, calibration = svg_curves.curves(support_html.plots(), svg.Names(baseline="v1.2.1"))
    assert (
        roc.text
        == "At a false positive rate of 0.1, 0.359 of the positives are found by this change; v1.2.1: 0.337."
    )
    assert roc.table is not None
    assert roc.table.heading == (
        "false positive rate",
        "true positive rate, this change",
        "true positive rate, v1.2.1",
    )
    assert "precision is" in recall.text
    assert calibration.table is not None
    assert len(calibration.table.rows) == 20


def test_without_pictures_the_page_still_says_everything() -> None:
    found = msgspec.structs.replace(support_html.flights(), plots=None)
    page = Page(made(found))
    assert "Curves" not in page.text
    assert found.comparison is not None
    assert found.comparison.headline in page.text


@pytest.mark.fault(29)
@pytest.mark.parametrize("budget", [html.BUDGET, 300_000, 120_000, 60_000])
def test_a_huge_run_keeps_verdict_and_worst_rows(budget: int) -> None:
    text = html.html(view.build(sample.SITUATIONS["huge"], sample.RUN), budget)
    assert len(text.encode()) <= budget
    page = Page(text).text
    assert "ROC AUC for airport A1999 falls by 2.0 points." in page
    assert "rule 4321" in page
    assert re.search(r"… and [\d,]+ more", page)


def test_few_rows_with_endless_texts_are_not_shown_whole() -> None:
    """Sixty gates of sixty thousand characters: a record of some rows, and of megabytes."""
    found = sample.passing()
    assert found.comparison is not None
    gate = msgspec.structs.replace(found.comparison.gates[0], detail="\u0301" * 60_000)
    comparison = msgspec.structs.replace(found.comparison, gates=(gate,) * 60)
    shown = view.build([msgspec.structs.replace(found, comparison=comparison)], sample.RUN).models[0]
    assert html_model.build(shown, "m1", html_model.Room()).raw_left_out == ("comparison.json",)


def test_what_is_gone_is_said() -> None:
    found = support_html.flights()
    assert found.candidate is not None
    fingerprint = msgspec.structs.replace(found.candidate.fingerprint, train=None)
    candidate = msgspec.structs.replace(found.candidate, fingerprint=fingerprint)
    shown = view.build([msgspec.structs.replace(found, candidate=candidate)], sample.RUN)
    assert "<td>none</td>" in html.html(shown)
    row = next(line for line in render.markdown(shown).splitlines() if line.startswith("| training data |"))
    assert row.endswith("| none |")


def test_many_models_fit() -> None:
    found = [
        support_html.flights(f"model-{index:03}", worse="EV" if index == 77 else None) for index in range(120)
    ]
    text = html.html(view.build(found, sample.RUN))
    assert len(text.encode()) <= html.BUDGET
    page = Page(text).text
    assert "1 of 120 models should not replace what is in place" in page
    assert "model-077 should not replace v1.2.1" in page
    assert "model-119" in page
