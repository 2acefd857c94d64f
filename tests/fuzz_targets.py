"""What is fuzzed: every place where text of a stranger is read or shown, each with what must hold.

A target takes bytes and raises when a promise is broken. scripts/fuzz runs them for hours,
tests/unit/test_fuzz.py for a moment. The seeds are honest inputs to begin from.
"""

from __future__ import annotations

import contextlib
import functools
import html.parser
import io
import re
import tempfile
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

import support_html
import support_records as sample
from modelrail import records
from modelrail.adapters import files, inert_stream
from modelrail.adapters.github import artifact
from modelrail.config import check as config_check
from modelrail.config import resolved as config
from modelrail.core.doctor import callers
from modelrail.core.registry import selectors, tags
from modelrail.core.slices import expressions
from modelrail.errors import ConfigError, ConfigFault, RecordError, UsageError
from modelrail.report import checkrun, earlier, junit, render, text, view
from modelrail.report import html as page
from modelrail.report.view import ModelRecords

Target = Callable[[bytes], None]
KINDS: tuple[type[records.Record], ...] = tuple(
    kind
    for kind in vars(records).values()
    if isinstance(kind, type) and issubclass(kind, records.Record) and hasattr(kind, "FILE")
)
POISON = (
    "",
    " ",
    "\n",
    "\r\n::error::x",
    "##[error]x",
    "|",
    "`",
    "```\n",
    "<script>alert(1)</script>",
    "<!-- -->",
    "-->",
    "<img src=x onerror=y>",
    "</details></td></svg></style></script>",
    "@octo/team",
    "#1",
    "https://evil.example/x",
    "[x](https://evil.example/x)",
    "![x](https://evil.example/x)",
    "javascript:alert(1)",
    "\u202e",
    "\u0000",
    "\x1b[2J",
    "{{ 7 }}",
    "${{ secrets.X }}",
    "$(touch x)",
    "<!-- modelrail:report -->",
    "\ud7ff\ufffe",
    "a" * 5000,
    "\u0301" * 50,
    "://",
    "<",
    ">",
    "&",
    '"',
    "'",
    "&lt;",
    "__proto__",
    "NaN",
    "../../etc/passwd",
    "=1+1",
    "e\u0301\U0001f600",
)
NUMBERS: tuple[float | int, ...] = (
    0, -1, 1, 2**53, -(2**53), 0.0, -0.0, 1e-308, 5e-324, 1e308, -1e308, 0.1, 1e16, 123456789.1,
    0.999999999, 100,
)  # fmt: skip


class Source:
    """Decisions taken from bytes, so that a fuzzer that watches the coverage can steer them."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def empty(self) -> bool:
        return self._at >= len(self._data)

    def number(self, below: int) -> int:
        taken = self._data[self._at : self._at + (2 if below > 256 else 1)]
        self._at += len(taken) or 1
        return int.from_bytes(taken, "little") % below

    def text(self) -> str:
        if self.number(4):
            return "".join(POISON[self.number(len(POISON))] for _ in range(1 + self.number(3)))
        size = self.number(40)
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken.decode("utf-8", "replace")


# --- records and the report ------------------------------------------------------------------------------


def record_bytes(data: bytes) -> None:
    """Any bytes are a record of the kind asked for, or are refused; what is read can be written again."""
    kind = KINDS[data[0] % len(KINDS)] if data else KINDS[0]
    try:
        found = files.decode(data[1:], kind, "x.json")
    except RecordError:
        return
    assert files.decode(files.encode(found), kind, "x.json") == found


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += _leaves(item, (*path, key))
    return found


def _change(tree: Any, source: Source) -> None:
    """One change of one place: other text, other number, nothing, twice, gone."""
    paths = _leaves(tree)
    path = paths[source.number(len(paths))]
    place = functools.reduce(lambda node, key: node[key], path[:-1], tree)
    key, value = path[-1], functools.reduce(lambda node, key: node[key], path, tree)
    way = source.number(8)
    if way == 0 and isinstance(place, list):
        place.append(value)
    elif way == 1 and isinstance(place, list):
        del place[key]
    elif way == 2:
        place[key] = None
    elif isinstance(value, bool):
        place[key] = not value
    elif isinstance(value, (int, float)):
        place[key] = NUMBERS[source.number(len(NUMBERS))]
    elif isinstance(value, list) and value and way < 5:
        place[key] = value * (1 + source.number(40))
    elif isinstance(value, dict) and way < 5:
        place[key] = {**value, source.text(): source.text()}
    else:
        place[key] = source.text()


@functools.cache
def _situations() -> tuple[bytes, ...]:
    """Whole sets of records, as JSON of one object each."""
    found = [
        support_html.flights(), support_html.regression(), support_html.multiclass(classes=4),
        sample.worse_slice(), sample.training_failed(), sample.inconclusive(), sample.bootstrap(),
        msgspec.structs.replace(sample.passing(), baseline=sample.baseline(), history=sample.history()),
    ]  # fmt: skip
    return tuple(msgspec.json.encode(one) for one in found)


def _hostile(data: bytes) -> list[ModelRecords]:
    source = Source(data)
    found = []
    for _ in range(1 + source.number(2)):
        situations = _situations()
        tree = msgspec.json.decode(situations[source.number(len(situations))])
        for _ in range(1 + source.number(6)):
            _change(tree, source)
            if source.empty:
                break
        try:
            found.append(msgspec.convert(tree, ModelRecords))
        except msgspec.ValidationError:
            continue
    return found


class _Page(html.parser.HTMLParser):
    """What a page would load, run or link to."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag in {"iframe", "object", "embed", "base", "form"}:
            self.wrong.append(tag)
        for name, value in attrs:
            if name.startswith("on") or (name in {"href", "src", "action"} and _leads_out(value or "")):
                self.wrong.append(f"{tag} {name}={value}")


def _leads_out(url: str) -> bool:
    return "evil.example" in url or url.strip().lower().startswith(("javascript:", "vbscript:"))


def report(data: bytes) -> None:
    """Records that the schema takes are shown in every format, within limits, never better than they are."""
    found = _hostile(data)
    shown = view.build(found, sample.RUN)
    for one in found:
        failed = one.failure is not None or one.comparison is None or one.comparison.verdict == "fail"
        assert shown.verdict == "fail" or not failed
    markdown = render.markdown(shown)
    assert len(markdown.encode()) <= render.BUDGET
    assert render.MARKER not in markdown
    markup = _outside_fences(markdown)
    assert "evil.example" not in "".join(re.findall(r"\]\(([^)]*)\)", markup))
    assert not re.search(r"<(?!/?(details|summary|sub|code)\b)[a-zA-Z!]", markup)
    runs = earlier.following(
        (), shown.run.commit, shown.verdict, "".join(one.headline for one in shown.models)
    )
    line = earlier.line(runs)
    assert "\n" not in line
    assert line.count("-->") <= 1
    assert earlier.read(line) == runs
    msgspec.json.decode(render.as_json(shown))
    said = text.text(shown)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", said)
    ET.fromstring(junit.junit(shown))
    checkrun.build(shown)
    document = page.html(shown)
    assert len(document.encode()) <= page.BUDGET
    parsed = _Page()
    parsed.feed(document)
    assert not parsed.wrong, parsed.wrong
    assert parsed.scripts == 1


def _outside_fences(markdown: str) -> str:
    """Without what stands in code, where nothing is markup."""
    kept, fence = [], ""
    for line in markdown.split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line.removesuffix("text")
        else:
            kept.append(re.sub(r"`[^`]*`", "", line))
    assert not fence
    return "\n".join(kept)


def comment_history(data: bytes) -> None:
    """What a comment says of earlier runs is read, or is no history."""
    for run in earlier.read(data.decode("utf-8", "replace")):
        assert re.fullmatch("[0-9a-f]{40}", run.commit)


# --- tags, configuration, workflows ----------------------------------------------------------------------


def tag(data: bytes) -> None:
    """A tag is one of ours and is written back as it was, or is nobody's; a message is always read."""
    name, _, message = data.decode("utf-8", "replace").partition("\n")
    parsed = tags.parse_name(name)
    if parsed is not None:
        assert tags.parse_name(tags.format_name(parsed)) == parsed  # not the text: `#06` is counter 6
        assert tags.is_name(parsed.model) or ":" in parsed.model
    _, trailers = tags.parse_message(message)
    kept = {key: tags.one_line(value) for key, value in trailers.items() if tags.one_line(value)}
    kept = kept or {"Model": "x"}
    assert tags.parse_message(tags.message("x", ["a summary"], trailers | kept))[1] == kept
    try:
        selector = selectors.parse(name)
    except UsageError:
        return
    assert selectors.parse(str(selector)) == selector


def configuration(data: bytes) -> None:
    """A configuration is taken, or refused with a word for each fault."""
    faults, models = _configured(data.decode("utf-8", "replace"))
    assert bool(models) != bool(faults)
    assert all(fault.what for fault in faults)
    for model in models:
        assert tags.is_name(model.name)
        for path in (model.path, model.model, model.data.test, model.data.train, model.env, model.params):
            assert path is None or not (path.startswith("/") or ".." in path.split("/")), path


def _configured(given: str) -> tuple[tuple[ConfigFault, ...], tuple[config.Model, ...]]:
    try:
        return (), config_check.parse(given, config.FILE).models
    except ConfigError as error:
        return error.faults or (ConfigFault("", str(error)),), ()


def workflow(data: bytes) -> None:
    """Any file of .github/workflows is read by the doctor, or is none."""
    callers.read("x.yml", data.decode("utf-8", "replace"))


def expression(data: bytes) -> None:
    """A condition is read and written back the same, or is refused with its place."""
    given = data.decode("utf-8", "replace")
    try:
        tree = expressions.parse(given)
    except expressions.ExpressionError as error:
        place = error.place
    else:
        place, again = 1, expressions.parse(expressions.text(tree))
        assert again == tree
    assert 1 <= place <= len(given) + 1


# --- archives and streams --------------------------------------------------------------------------------


def archive(data: bytes) -> None:
    """An archive is unpacked to places of our choice, or is refused; nothing comes to lie elsewhere."""
    with tempfile.TemporaryDirectory(prefix="modelrail-fuzz-") as place:
        out = Path(place) / "in" / "out"
        with contextlib.suppress(RecordError):
            artifact.unpack(io.BytesIO(data), out)
        written = [path for path in Path(place).rglob("*") if not path.is_dir()]
        assert all(path.is_relative_to(out) and path.name in files.record_names() for path in written)
        assert not any(path.is_symlink() for path in written)


def stream(data: bytes) -> None:
    """Nothing that is printed begins a workflow command."""
    printed = data.decode("utf-8", "replace")
    behind = io.StringIO()
    guarded = inert_stream.InertStream(behind)
    half = len(printed) // 2
    guarded.write(printed[:half])
    guarded.write(printed[half:])
    guarded.flush()
    for line in re.split(r"[\r\n]", behind.getvalue()):
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line


def _zip(content: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, value in content.items():
            opened.writestr(name, value)
    return made.getvalue()


def _record_seeds() -> list[bytes]:
    whole = sample.worse_slice()
    found = [sample.evidence(), sample.history(), support_html.flights().plots]
    found += [
        whole.data,
        whole.candidate,
        whole.evaluation,
        whole.comparison,
        sample.training_failed().failure,
    ]
    return [bytes([KINDS.index(type(one))]) + msgspec.json.encode(one) for one in found if one is not None]


def _history() -> bytes:
    return earlier.line(earlier.following((), "a" * 40, "pass", "x")).encode()


_TAG = b"delay@v1.2.3\ndelay v1.2.3\n\nAUC 0.7\n\nModel: delay\nVersion: v1.2.3\nReason: a: b\n"
_CONFIG = (Path(__file__).parents[1] / "examples" / "flights" / "modelrail.yaml").read_bytes
_CALLER = (Path(__file__).parents[1] / "workflows" / "report.yml").read_bytes

TARGETS: dict[str, tuple[Target, Callable[[], list[bytes]]]] = {
    "record": (record_bytes, _record_seeds),
    "report": (report, lambda: [bytes(range(place, place + 24)) for place in range(0, 240, 16)]),
    "history": (comment_history, lambda: [_history()]),
    "tag": (tag, lambda: [_TAG, b"fraud/card#production!#12\n", b"a@v1.0.0-rc.1+b!\n\nx\n\nModel: a\n"]),
    "configuration": (configuration, lambda: [_CONFIG()]),
    "workflow": (workflow, lambda: [_CALLER()]),
    "expression": (expression, lambda: [b"carrier == 'EV' and not (distance > 5 or origin in ['JFK', 1])"]),
    "archive": (archive, lambda: [_zip({"delay/candidate.json": b"{}", "delay/report.md": b"x"})]),
    "stream": (stream, lambda: [b"a\n::error::b\r\n  ##[error]c\r::d\n"]),
}  # fmt: skip
WORDS = (
    *(word.encode() for word in POISON),
    *(b"PK\x03\x04", b"PK\x01\x02", b"../", b"\x00", b"models:", b"version: 1", b"&a", b"*a", b"<<: *a"),
    *(b"!!python/x", b'"schema":', b"null", b"1e999", b"{", b"}", b"[", b"]", b"#production#", b"@v1.0.0"),
    *(b"Model: x\n", b"::", b"##[", b" and ", b" in ", b"(", b")", b"\xff\xfe", b"\xed\xa0\x80"),
)
