"""Whatever a name holds, GitHub shows it as characters and does nothing with it (faults 26, 27)."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from modelrail.report import inert
from modelrail.report.visible import MAX_TEXT, visible

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ALLOWED = {
    "paragraph_open",
    "paragraph_close",
    "inline",
    "text",
    "code_inline",
    "text_special",
    "html_inline",
}
# What GitHub links in the text that is left after rendering.
LINKED = re.compile(
    r"(?i)@[a-z0-9]|#\d|\bGH-\d|https?://|ftp://|\bwww\.|mailto:|[a-z0-9._%+-]+@[a-z0-9.-]+|:[a-z0-9_+-]+:"
    r"|(?<![a-z0-9])(?<![0-9][.,])[0-9a-f]{7,40}(?![a-z0-9])"
)
NASTY = [
    "|",
    "a|b",
    "\\|",
    "@team",
    "see #123",
    "o/r#1",
    "GH-12",
    "https://evil.example",
    "www.evil.example",
    "a@b.example",
    "<img src=x onerror=alert(1)>",
    "<!-- modelrail:report -->",
    "![x](https://evil.example/p.png)",
    "[x](javascript:1)",
    "`code`",
    "``",
    "**b**",
    "__b__",
    "_i_",
    "~~s~~",
    "a\nb",
    "a\r\n\r\n# h",
    "# h",
    "- x",
    "+ x",
    "1. x",
    "1) x",
    "> q",
    "---",
    "===",
    "    code",
    "```\nx",
    "\u202eevil",
    "\u200b",
    "\u2066x",
    "\x00",
    "\x1b[31mred",
    "&lt;script&gt;",
    "</details></table>",
    "$x$",
    ":tada:",
    "[^1]",
    "[x]: https://e.example",
    "<https://e.example>",
    "a\\",
    "\\",
    "&#64;team",
    "$(id)",
    "`id`",
    "; rm -rf /",
    "'\"",
    "a\u2028b",
    "z" + "\u0301" * 50,
    "::set-output name=x::y",
    "xmpp:a@b.c",
    "0123abcdef0123abcdef0123abcdef0123abcdef",
    "(1234567)",
]
texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(NASTY), max_size=5).map("".join),
    st.text(alphabet="|@#<>[]()!`*_~\\&:/.-+=1a \n\t\u202e\u200b", max_size=40),
)


def flat(source: str) -> list[object]:
    found: list[object] = []
    for token in MARKDOWN.parse(source):
        found += [token, *(token.children or [])]
    return found


def shown(tokens: list[object]) -> str:
    return "".join(token.content for token in tokens if token.type in {"text", "text_special"})  # type: ignore[attr-defined]


@pytest.mark.fault(27)
@settings(max_examples=150, deadline=None)
@given(texts)
@example("".join(NASTY[:10]))
@example("see 0123abc and 0123ABCDEF0123abcdef0123abcdef0123abcdef")
@example("(1234567)")
@example("0000000_")
def test_text_renders_as_itself_and_nothing_else(text: str) -> None:
    tokens = flat(f"before {inert.inert(text)} after")
    assert {token.type for token in tokens} <= ALLOWED - {"code_inline", "html_inline"}  # type: ignore[attr-defined]
    rendered = shown(tokens)
    assert not LINKED.search(rendered.removeprefix("before "))
    assert (
        rendered.replace("\u200b", "") == f"before {visible(text)} after".replace("  ", " ")
        or not text.strip()
    )


@pytest.mark.fault(27)
@settings(max_examples=100, deadline=None)
@given(texts)
def test_text_at_the_start_of_a_line_begins_no_block(text: str) -> None:
    types = {token.type for token in flat(f"Above.\n\n{inert.inert(text)}\n\nBelow.")}  # type: ignore[attr-defined]
    assert types <= ALLOWED - {"code_inline", "html_inline"}


@pytest.mark.fault(27)
@settings(max_examples=100, deadline=None)
@given(texts, texts)
def test_a_table_keeps_its_columns(one: str, two: str) -> None:
    source = f"| a | b |\n|:--|--:|\n| {inert.inert(one)} | {inert.code(two)} |\n| x | y |\n"
    tokens = flat(source)
    types = [token.type for token in tokens]  # type: ignore[attr-defined]
    assert types.count("td_open") == 4
    assert types.count("tr_open") == 3
    assert not {"link_open", "image", "html_block", "heading_open"} & set(types)
    tags = {token.content for token in tokens if token.type == "html_inline"}  # type: ignore[attr-defined]
    assert tags <= {"<code>", "</code>"}


@pytest.mark.fault(27)
@settings(max_examples=100, deadline=None)
@given(texts)
def test_text_in_an_html_summary(text: str) -> None:
    source = (
        f"<details><summary>{inert.code_html(text)} {inert.inert(text)}</summary>\n\ninside\n\n</details>\n"
    )
    blocks = [token.content for token in MARKDOWN.parse(source) if token.type == "html_block"]
    assert len(blocks) == 2
    assert re.findall(r"<[^>]*>", blocks[0]) == ["<details>", "<summary>", "<code>", "</code>", "</summary>"]
    assert not LINKED.search(re.sub(r"&#\d+;", "\0", blocks[0]))


@pytest.mark.fault(26)
@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="`~x|<\n\r\u202e\x1b[m ", max_size=80), st.integers(1, 8))
def test_a_fence_holds_everything(text: str, lines: int) -> None:
    tokens = MARKDOWN.parse(f"before\n\n{inert.fenced(text, lines)}\n\nafter\n")
    assert [token.type for token in tokens if token.nesting >= 0 and token.type != "inline"] == [
        "paragraph_open", "fence", "paragraph_open",
    ]  # fmt: skip
    assert "\u202e" not in tokens[3].content
    assert tokens[3].content.count("\n") <= max(lines, 1)


@pytest.mark.fault(27)
def test_what_hides_becomes_visible() -> None:
    assert visible("a\u202eb\u200bc\x00d") == "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0000⟩d"
    assert visible("\x1b[31mred\x1b[0m  \n\t x") == "red x"
    assert visible("a\u3164b\u2800c") == "a⟨U+3164⟩b⟨U+2800⟩c"
    assert len(visible("z" + "\u0301" * 50)) == 5


def test_length_is_bounded_before_and_after_escaping() -> None:
    assert len(visible("x" * 10_000_000)) == MAX_TEXT
    assert len(inert.inert("@" * 10_000)) <= MAX_TEXT * 14


def test_plain_names_stay_readable() -> None:
    assert inert.inert("roc_auc, worse by 0.005 (3,412 rows)") == "roc_auc, worse by 0.005 (3,412 rows)"
    assert inert.code("data/test.parquet") == "`data/test.parquet`"
    assert inert.code("models.delay.gates[2]") == "`models.delay.gates[2]`"
    assert inert.code("a|b") == "<code>a&#124;b</code>"
    assert inert.code("") == ""


def test_only_raw_text_is_raw() -> None:
    raw = inert.inert("x")
    assert isinstance(raw, inert.Raw)
    assert not isinstance(raw + "<b>", inert.Raw)
    assert not isinstance(f"{raw}<b>", inert.Raw)
    assert not isinstance(raw.upper(), inert.Raw)


def test_links_go_to_plain_web_addresses_only() -> None:
    assert (
        inert.link("run", "https://github.com/o/r/actions/runs/1")
        == "[run](https://github.com/o/r/actions/runs/1)"
    )
    assert inert.link("run", "http://127.0.0.1:8080/o/r?a=b&c=d#x")[:5] == "[run]"
    for bad in (
        "javascript:alert(1)",
        "https://x.example/)[x](y",
        "https://x.example/ y",
        "",
        "https://x.example/\n",
    ):
        assert inert.link("run", bad) == "run"
