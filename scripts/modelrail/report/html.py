"""View -> one HTML file that needs no network, no script and no other file.

Texts are untrusted: Jinja's autoescape makes them inert, `_finalize` makes visible what would hide in them,
and the page's own policy forbids what neither would catch: no source of anything but this file, no style and
no script but ours, by their digests. Too large, the page is made again with less room: raw records first,
then the tails of long tables, then pictures and the details of models that pass.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape
from msgspec import Struct

from modelrail.report import html_model, inert
from modelrail.report.changes import short
from modelrail.report.html_model import Room
from modelrail.report.view import View
from modelrail.report.visible import program_line, visible

BUDGET = 1_000_000  # bytes
FILE = "report.html"


class _Size(Struct, frozen=True, kw_only=True):
    models: int  # with details
    room: Room


_SIZES = (
    _Size(models=60, room=Room()),
    _Size(models=60, room=Room(slices=250, raw=0)),
    _Size(models=40, room=Room(slices=100, metrics=250, gates=250, checks=80, raw=0, cells=6000)),
    _Size(models=20, room=Room(slices=40, metrics=80, gates=80, checks=30, changes=60, raw=0, cells=2000)),
    _Size(
        models=10, room=Room(slices=20, metrics=30, gates=30, checks=10, changes=20, raw=0, pictures=False)
    ),
    _Size(models=3, room=Room(slices=5, metrics=10, gates=10, checks=5, changes=5, raw=0, pictures=False)),
    _Size(models=0, room=Room(slices=0, metrics=0, gates=0, checks=0, changes=0, raw=0, pictures=False)),
)


def html(view: View, budget: int = BUDGET) -> str:
    """The report as one file of at most `budget` bytes."""
    template = environment().get_template("page.html.j2")
    page = ""
    for size in _SIZES:
        if _likely(view, size) > 2 * budget and size is not _SIZES[-1]:
            continue
        models = [
            html_model.build(model, f"m{index}", size.room)
            for index, model in enumerate(view.models[: size.models], 1)
        ]
        page = _no_commands(
            template.render(
                view=view, models=models, listed=1000, single=len(view.models) == 1,
                favicon=favicon(view.verdict), **_parts(),
            )
        )  # fmt: skip
        if len(page.encode()) <= budget:
            break
    return page


def _likely(view: View, size: _Size) -> int:
    """About how many bytes it will be; only to leave out attempts that are far too large."""
    room, total = size.room, 60_000
    for model in view.models[: size.models]:
        rows = len(model.metrics) + len(model.slices) + len(model.gates)
        total += 12_000 + 450 * min(len(model.slices), room.slices)
        total += 900 * (min(len(model.metrics), room.metrics) + min(len(model.gates), room.gates))
        total += 450 * rows if rows <= room.raw else 0
    return total


def _no_commands(page: str) -> str:
    """A log of GitHub Actions obeys lines that begin with `::` or hold `##[`: as entities they are text."""
    return re.sub(r"(?m)^(\s*):(?=:)", r"\1&#58;", page).replace("##[", "&#35;#[")


@functools.cache
def _parts() -> dict[str, str]:
    """Style and script, and the digests that allow them."""
    source = {name: _source(name) for name in ("page.css", "page.js")}
    digests = {name: _digest(found) for name, found in source.items()}
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{digests['page.css']}'; script-src '{digests['page.js']}'"
    )
    return {
        "style": Markup(source["page.css"]),  # noqa: S704 - our own files
        "script": Markup(source["page.js"]),  # noqa: S704
        "policy": policy,
    }


def _source(name: str) -> str:
    loader = environment().loader
    assert loader is not None  # noqa: S101 - set below
    return loader.get_source(environment(), name)[0].strip() + "\n"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def environment() -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("modelrail.report", "templates/html"),
        autoescape=True,
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.clear()  # the built-in ones can mark texts as safe; none is needed
    env.filters.update(
        length=len,
        short=short,
        clip=_clip,
        program=_program,
        address=_address,
        icon=_icon,
        verbatim=escape,
        **{name: functools.partial(_number, name) for name in ("baseline", "candidate", "difference")},
    )
    env.globals = {"icons": _ICONS}
    return env


def _finalize(value: object) -> object:
    return value if hasattr(value, "__html__") else visible(str(value))


def _clip(text: object, limit: int) -> Markup:
    return escape(visible(str(text), limit))


def _number(name: str, row: object) -> str:
    """A number of a record to sort by; nothing where there is none."""
    value = getattr(row, name)
    return "" if value is None else repr(value)


def _program(text: str, lines: int = 60) -> Markup:
    """The last lines of a program's output."""
    kept = [program_line(line) for line in text.replace("\r\n", "\n").split("\n")][-lines:]
    return escape("\n".join(kept))


def _address(url: str) -> str:
    """A URL of the surroundings; anything else leads nowhere."""
    return url if inert.is_url(url) else "#"


# --- icons -----------------------------------------------------------------------------------------------

# Shapes that differ without colour; drawn once, used by reference.
_ICONS = {
    "pass": '<circle cx="8" cy="8" r="7"/><path class="ink" d="M4.6 8.3l2.3 2.4 4.6-5"/>',
    "fail": '<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"/><path class="ink" d="M4.6 8h6.8"/>',
    "inconclusive": '<rect x="1" y="1" width="14" height="14" rx="3"/>'
    '<text class="glyph" x="8" y="12.2">?</text>',
    "warn": '<path d="M8 1l7.2 13.2H.8z"/><path class="ink" d="M8 5.6v4M8 11.6v.5"/>',
    "better": '<path d="M8 2l6.4 11.4H1.6z"/>',
    "worse": '<path d="M8 14L1.6 2.6h12.8z"/>',
    "same": '<path class="ink2" d="M2.6 5.6h10.8M2.6 10.4h10.8"/>',
    "open": '<path class="ring" d="M8 1.8L14.2 8 8 14.2 1.8 8z"/>',
    "none": '<path class="ink2" d="M4.5 8h7"/>',
}
_ICONS = {name: Markup(shape) for name, shape in _ICONS.items()}  # noqa: S704 - constants above
_FILLS = {"pass": "1a7f37", "fail": "c5283d", "inconclusive": "9a6700"}


def _icon(name: str) -> Markup:
    return Markup(
        '<svg class="icon i-{0}" viewBox="0 0 16 16" aria-hidden="true"><use href="#i-{0}"/></svg>'
    ).format(name if name in _ICONS else "none")


def favicon(verdict: str) -> str:
    """A data URL: the browser then asks no server for one."""
    shape = str(_ICONS[verdict]).replace('class="ink"', 'fill="none" stroke="#fff" stroke-width="1.8"')
    shape = shape.replace('class="glyph"', 'fill="#fff" text-anchor="middle" font-size="11"')
    image = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="#{_FILLS[verdict]}">{shape}</svg>'
    )
    return "data:image/svg+xml," + quote(image)
