"""What a step says to its runner: no text of a stranger becomes an output, a command or a line of its own."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelrail import settings
from modelrail.adapters import actions_io, inert_stream, process
from modelrail.errors import ConfigError, ConfigFault, ModelrailError

pytestmark = pytest.mark.fault(36)

# As the runner reads a line, taking the widest view of what "begins with" and "contains" may mean to it.
_IGNORED = (
    r"\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
)
COMMAND = re.compile(rf"^[\s{_IGNORED}]*:[{_IGNORED}]*:|#[{_IGNORED}]*#[{_IGNORED}]*\[")
EVIL = (
    "::error::x", "\n::set-output name=verdict::pass", "a\r\n::add-mask::pass", "##[command]x",
    "  ::stop-commands::x", "verdict<<EOF\npass\nEOF", "modelrail-0<<\npass", "%0A::error::x",
    "x::y", "a,b:c",
    "\u200b::error::x", ":\u00ad:error::x", "a\r::error::x", "before ##\u200d[error]x", "\ufeff\t ::error::x",
    "\x1b[0m::error::x\n\x07::error::x", "\u2028::error::x",
)  # fmt: skip


def commands_in(text: str) -> list[str]:
    return [line for line in re.split(r"[\r\n]", text) if COMMAND.search(line)]


def runner_reads(path: Path) -> dict[str, str]:
    """An output file as the runner reads it: `name<<mark`, lines, the mark alone on a line."""
    found, lines = {}, iter(path.read_bytes().decode().split("\n"))
    for line in lines:
        if not line:
            continue
        name, separator, mark = line.partition("<<")
        assert separator, line
        value = []
        for inner in lines:
            if inner == mark:
                break
            value.append(inner)
        else:
            raise AssertionError("no end")
        found[name] = "\n".join(value)
    return found


def with_files(folder: Path) -> settings.Settings:
    return dataclasses.replace(
        settings.read({}, folder), output_file=folder / "output", summary_file=folder / "summary"
    )


@given(
    st.lists(
        st.text(alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\r")), min_size=1
    )
)
@example(list(EVIL))
def test_outputs_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    folder = tmp_path_factory.mktemp("outputs")
    wanted = {f"name-{index}": value for index, value in enumerate(values)}
    actions_io.outputs(with_files(folder), wanted)
    assert runner_reads(folder / "output") == wanted


def test_an_output_cannot_know_its_delimiter(tmp_path: Path) -> None:
    for _ in range(2):
        actions_io.outputs(with_files(tmp_path), {"a": "x"})
    marks = re.findall(r"a<<(modelrail-[0-9a-f]{32})\n", (tmp_path / "output").read_text())
    assert len(set(marks)) == 2


def test_booleans_are_as_workflows_write_them(tmp_path: Path) -> None:
    values: Mapping[str, str | int | bool] = {"changed": True, "rows": 5, "tag": "a@v1.0.0"}
    actions_io.outputs(with_files(tmp_path), values)
    assert runner_reads(tmp_path / "output") == {"changed": "true", "rows": "5", "tag": "a@v1.0.0"}


@pytest.mark.parametrize("text", EVIL)
def test_an_annotation_is_one_line_and_one_command(capsys: pytest.CaptureFixture[str], text: str) -> None:
    actions_io.annotate("error", text, title=text, file=text, line=3)
    (line, _) = capsys.readouterr().out.split("\n")
    assert line.startswith("::error title=")
    properties, _, data = line.removeprefix("::error ").partition("::")
    assert {part.partition("=")[0] for part in properties.split(",")} == {"title", "file", "line"}
    decoded = data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    assert decoded == text


@pytest.mark.parametrize("text", EVIL)
def test_the_words_of_an_error_start_no_command(text: str) -> None:
    for error in (
        ModelrailError(text, why=text, next=text, path=text, tail=text),
        ConfigError(text, faults=(ConfigFault(text, text, text, 3, text),)),
    ):
        stream = io.StringIO()
        actions_io.report_error(error, in_ci=False, stream=stream)
        assert not commands_in(stream.getvalue())


@pytest.mark.parametrize("text", EVIL)
def test_what_a_program_prints_starts_no_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    process.run(["printf", "%s\n", text], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"})
    assert not commands_in(capsys.readouterr().err)


@given(st.text(alphabet=st.sampled_from(":#[]ab \t\r\n\u200b\u00ad\ufe0f\u0301")))
@example("".join(EVIL))
def test_inert_lines(text: str) -> None:
    shown = inert_stream.lines(text)
    assert not commands_in(shown)
    assert inert_stream.lines(shown) == shown
    if not commands_in(text):
        assert shown == re.sub(r"\r\n|\r", "\n", text) or "[" in text or ":" in text


@given(st.lists(st.text(alphabet=st.sampled_from(":#[]e \n\r"))), st.data())
def test_the_stream_holds_however_it_is_written(parts: list[str], data: st.DataObject) -> None:
    behind = io.StringIO()
    stream = inert_stream.InertStream(behind)
    for part in parts:
        stream.write(part)
        if data.draw(st.booleans()):
            stream.flush()
    stream.flush()
    assert not commands_in(behind.getvalue())


def test_in_ci_only_our_annotations_are_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with inert_stream.guarded():
        click.echo("::error::printed")
        click.echo("in the middle", nl=False)
        actions_io.annotate("error", "ours", title="t")
        click.echo("::error::said", err=True)
        actions_io.say("::error::said")
    got = capsys.readouterr()
    assert got.out.splitlines() == ["│ ::error::printed", "in the middle", "::error title=t::ours"]
    assert not commands_in(got.err)


@pytest.mark.fault(29)
def test_a_summary_that_would_not_fit_is_not_begun(tmp_path: Path) -> None:
    surroundings = with_files(tmp_path)
    assert actions_io.summary(surroundings, "x" * 1_000_000)
    assert not actions_io.summary(surroundings, "y" * 100_000)
    assert actions_io.summary(surroundings, "z")
    written = (tmp_path / "summary").read_text()
    assert "y" not in written
    assert written.endswith("z\n")
    assert len(written) < 1024 * 1024
