"""The HTML report in a real browser: it asks for nothing, reads well at any width, and works by keyboard."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import support_html
import support_records as sample
from modelrail.report import html, view
from support_browser import CONTRAST, DESKTOP, NAMES, PHONE, Desk, desk_of, opened, write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SITUATIONS = {**support_html.SITUATIONS, "huge": sample.SITUATIONS["huge"]}
Open = Callable[..., Any]


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The URL of a page for each situation."""
    folder = tmp_path_factory.mktemp("pages")
    return {
        name: write(folder, name, html.html(view.build(found, sample.RUN)))
        for name, found in SITUATIONS.items()
    }


@pytest.fixture
def show(browser: Browser, pages: dict[str, str]) -> Open:
    """A page of its own, for what the module's pages must not keep: changes, keys, another way to open it."""
    return lambda name, *arguments, **more: opened(browser, pages[name], *arguments, **more)


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Iterator[Desk]:
    """One page for all that is only looked at."""
    with desk_of(browser) as found:
        yield found


WIDE = """() => [...document.querySelectorAll("main *")]
    .filter((e) => !e.parentElement.closest(".scroll, pre, svg, .sr"))
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => e.outerHTML.slice(0, 100))"""
GROUND = "getComputedStyle(document.body).backgroundColor"
SIZES = (PHONE, (320, 640), (768, 1024), (1110, 800), DESKTOP)
COLOURED = {"fail", "pass", "inconclusive", "failure", "three", "multiclass", "regression"}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_page_keeps_the_rules(desk: Desk, pages: dict[str, str], name: str) -> None:
    """It asks for nothing, nothing is wrong, it fits every width, texts stand out, parts have names."""
    page, seen = desk.page, desk.load(pages[name])
    for size in SIZES:
        desk.resize(size)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            size,
            page.evaluate(WIDE),
        )
        assert page.evaluate(WIDE) == [], size
    if name in COLOURED:
        for dark in (False, True):
            page.emulate_media(color_scheme="dark" if dark else "light")
            ground = sum(map(int, re.findall(r"\d+", page.evaluate(GROUND))[:3]))
            assert ground < 120 if dark else ground > 600  # dark is dark
            found = page.evaluate(CONTRAST)
            assert len(found) > 20
            assert [one for one in found if one[0] < 4.5] == [], "dark" if dark else "light"
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
    assert page.evaluate(NAMES) == []
    assert len(seen.requests) == 1
    assert seen.requests[0].startswith("file:")
    assert not seen.errors


def test_without_script_nothing_is_asked_for_and_nothing_is_wrong(
    browser: Browser, pages: dict[str, str]
) -> None:
    with desk_of(browser, script=False) as desk:
        for name, url in pages.items():
            seen = desk.load(url)
            assert len(seen.requests) == 1, name
            assert seen.requests[0].startswith("file:"), name
            assert not seen.errors, name
        # And there is nothing that does nothing.
        desk.load(pages["fail"])
        assert desk.page.locator("button").count() == 0
        assert desk.page.locator("h1").inner_text().startswith("Do not merge: ")
        assert desk.page.locator(".tall tbody tr").count() == 155


def test_the_verdict_is_on_the_first_screen_of_a_phone(desk: Desk, pages: dict[str, str]) -> None:
    page = desk.load(pages["fail"], PHONE).page
    assert page.locator("h1").bounding_box()["y"] < 200
    box = page.locator(".headline").bounding_box()
    assert box["y"] + box["height"] < PHONE[1]


# --- sorting ---------------------------------------------------------------------------------------------


def column(page: Page, table: str, index: int) -> list[str]:
    found: list[str] = page.evaluate(
        """([table, index]) => [...document.querySelector(table).tBodies[0].rows]
            .map((row) => row.cells[index].dataset.value ?? row.cells[index].textContent.trim())""",
        [table, index],
    )
    return found


def test_tables_sort_by_keyboard_alone(show: Open) -> None:
    table = ".tall table[data-sortable]"
    with show("fail") as seen:
        page: Page = seen.page
        page.evaluate("document.querySelector('.tall').closest('details').open = true")
        before = column(page, table, 0)
        for _ in range(200):
            page.keyboard.press("Tab")
            if page.evaluate(
                "document.activeElement.closest('.tall')"
                " && document.activeElement.textContent.startsWith('rows')"
            ):
                break
        assert page.evaluate("document.activeElement.tagName") == "BUTTON"
        page.keyboard.press("Enter")
        head = page.locator(f"{table} th[aria-sort]")
        assert head.count() == 1
        assert head.get_attribute("aria-sort") == "ascending"
        rows = [int(value) for value in column(page, table, 2)]
        assert rows == sorted(rows)
        page.keyboard.press("Space")
        assert head.get_attribute("aria-sort") == "descending"
        assert [int(value) for value in column(page, table, 2)] == sorted(rows, reverse=True)
        assert "Sorted by rows, descending" in page.locator("[role=status]").inner_text()
        assert sorted(column(page, table, 0)) == sorted(before)
        assert page.evaluate("document.activeElement.textContent").startswith("rows")  # the focus stays


def test_what_has_no_value_stands_last_either_way(show: Open) -> None:
    with show("fail") as seen:
        page: Page = seen.page
        page.evaluate("document.querySelector('.tall').closest('details').open = true")
        button = page.locator(".tall th button").nth(5)
        for _ in range(2):
            button.click()
            values = column(page, ".tall table", 5)
            assert values[-5:] == [""] * 5
            numbers = [float(value) for value in values[:-5]]
            assert numbers in (sorted(numbers), sorted(numbers, reverse=True))


# --- focus -----------------------------------------------------------------------------------------------


def test_the_first_tab_skips_to_the_report_and_focus_follows_the_page(show: Open) -> None:
    with show("three") as seen:
        page: Page = seen.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
        assert page.locator(".skip").bounding_box()["y"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "report"
        tops = []
        for _ in range(40):
            page.keyboard.press("Tab")
            top, style = page.evaluate(
                "[document.activeElement.getBoundingClientRect().top + scrollY,"
                " getComputedStyle(document.activeElement).outlineStyle]"
            )
            tops.append(top)
            assert style == "solid"
        assert all(later >= earlier - 40 for earlier, later in itertools.pairwise(tops))


def test_every_link_leads_to_its_part(desk: Desk, pages: dict[str, str]) -> None:
    page = desk.load(pages["three"], DESKTOP).page
    links = page.eval_on_selector_all("a[href^='#']", "all => all.map((a) => a.getAttribute('href'))")
    assert len(links) > 12
    ids = page.eval_on_selector_all("[id]", "all => all.map((e) => e.id)")
    assert {link: ids.count(link[1:]) for link in links} == dict.fromkeys(links, 1)


# --- without colour, on paper, against strangers ---------------------------------------------------------


def test_no_meaning_by_colour_alone(desk: Desk, pages: dict[str, str]) -> None:
    page = desk.load(pages["fail"], DESKTOP).page
    shapes = page.eval_on_selector_all(
        "td.result use",
        "all => all.map((u) => [u.getAttribute('href'), u.closest('td').textContent.trim()])",
    )
    by_shape: dict[str, set[str]] = {}
    for shape, words in shapes:
        assert words
        by_shape.setdefault(shape, set()).add(words.partition(":")[0])
    assert by_shape["#i-worse"] == {"worse"}
    assert by_shape["#i-better"] == {"better"}
    assert by_shape["#i-open"] == {"undecided"}
    marks = page.eval_on_selector_all(
        ".strip .mk:not(.on) path",
        "all => all.map((p) => [p.closest('.strip').classList[1], p.getAttribute('d')])",
    )
    assert len({kind for kind, _ in marks}) == len({shape for _, shape in marks}) >= 3
    cells = page.eval_on_selector_all("g.cell text", "all => all.map((t) => t.textContent[0])")
    assert set(cells) == {"▲", "▼", "=", "?", "·"}


def test_paper_has_no_folds_and_no_buttons(show: Open, tmp_path: Path) -> None:
    with show("fail") as seen:
        page: Page = seen.page
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator(".tall tbody tr").last.is_visible()
        assert not page.locator("nav").first.is_visible()
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert not page.locator(".tall").is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_policy_stops_what_is_not_ours(browser: Browser, tmp_path: Path) -> None:
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *arguments: object) -> None:
            pass

    text = html.html(view.build(SITUATIONS["fail"], sample.RUN))
    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        foreign = f"http://127.0.0.1:{server.server_port}/x"
        broken = text.replace(
            "</main>",
            f"<script>document.title='ours no more'</script><script src='{foreign}.js'></script>"
            f"<img src='{foreign}.png'><link rel='stylesheet' href='{foreign}.css'>"
            f"<style>body {{ background: url({foreign}.gif) }}</style>"
            f"<iframe src='{foreign}'></iframe></main>",
        )
        with opened(browser, write(tmp_path, "broken", broken)) as seen:
            assert seen.page.title().startswith("Blocked")
            assert sum("Content Security Policy" in error for error in seen.errors) >= 5
        server.shutdown()
    assert not asked
