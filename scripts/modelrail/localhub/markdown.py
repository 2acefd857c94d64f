"""GitHub-flavoured Markdown as inert HTML: what a comment looks like, and nothing that could run."""

from __future__ import annotations

import functools
import re

import nh3
from markdown_it import MarkdownIt

# After GitHub's own sanitiser (html-pipeline): these and no others.
TAGS = {
    "a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "input", "ins", "kbd", "li", "ol", "p", "picture", "pre", "q", "s",
    "samp", "source", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr", "tt", "ul", "var",
}  # fmt: skip
ATTRIBUTES = {
    "*": {"align", "title", "width", "height"},
    "a": {"href"},
    "img": {"src", "alt"},
    "input": {"type", "checked", "disabled"},
    "source": {"srcset", "media"},
    "details": {"open"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
    "ol": {"start"},
    "code": {"class"},
    "li": {"class"},
}


@functools.cache
def _parser() -> MarkdownIt:
    return MarkdownIt("gfm-like", {"linkify": False, "html": True, "breaks": True})


_ALIGN = re.compile(r'style="text-align:(left|right|center)"')


def render(text: str | None) -> str:
    """Comments in pull requests break lines at line ends, as on GitHub."""
    html = _ALIGN.sub(r'align="\1"', _parser().render(text or ""))
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
        strip_comments=True,
    )
