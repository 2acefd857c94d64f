"""The HTML report in a real browser: it asks for nothing, reads well at any width, and works by keyboard."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import support_html
import support_records as sample
from modelrail.report import html, view
from support_browser import CONTRAST, DESKTOP, NAMES, PHONE, opened, write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("browser")
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
    return lambda name, *arguments, **more: opened(browser, pages[name], *arguments, **more)


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_nothing_is_asked_for_and_nothing_is_wrong(show: Open, name: str, script: bool) -> None:
    with show(name, script=script) as seen:
        assert len(seen.requests) == 1
        assert seen.requests[0].startswith("file:")
        assert not seen.errors


@pytest.mark.parametrize("name", SITUATIONS)
def test_it_keeps_the_rules_of_accessibility(show: Open, name: str) -> None:
    with show(name) as seen:
        for fold in seen.page.query_selector_all("details"):
            fold.evaluate("fold => { fold.open = true }")
        assert seen.page.evaluate(NAMES) == []


@pytest.mark.parametrize(
    "name", ["fail", "pass", "inconclusive", "failure", "three", "multiclass", "regression"]
)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_stand_out(show: Open, name: str, dark: bool) -> None:
    with show(name, dark=dark) as seen:
        found = seen.page.evaluate(CONTRAST)
        assert len(found) > 20
        assert [one for one in found if one[0] < 4.5] == []


def test_dark_is_dark(show: Open) -> None:
    def ground(page: Page) -> int:
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", color)[:3]))

    with show("fail") as seen:
        assert ground(seen.page) > 600
    with show("fail", dark=True) as seen:
        assert ground(seen.page) < 120


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize(
    "size", [PHONE, (320, 640), (768, 1024), (1110, 800), DESKTOP], ids=lambda size: str(size[0])
)
def test_the_page_never_scrolls_sideways(show: Open, name: str, size: tuple[int, int]) -> None:
    with show(name, size) as seen:
        wide = """() => [...document.querySelectorAll("main *")]
            .filter((e) => !e.parentElement.closest(".scroll, pre, svg, .sr"))
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
            .map((e) => e.outerHTML.slice(0, 100))"""
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), seen.page.evaluate(
            wide
        )
        assert seen.page.evaluate(wide) == []


def test_the_verdict_is_on_the_first_screen_of_a_phone(show: Open) -> None:
    with show("fail", PHONE) as seen:
        assert seen.page.locator("h1").bounding_box()["y"] < 200
        box = seen.page.locator(".headline").bounding_box()
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


def test_without_script_there_is_nothing_that_does_nothing(show: Open) -> None:
    with show("fail", script=False) as seen:
        assert seen.page.locator("button").count() == 0
        assert seen.page.locator("h1").inner_text().startswith("Do not merge: ")
        assert seen.page.locator(".tall tbody tr").count() == 155


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
            tops.append(page.evaluate("document.activeElement.getBoundingClientRect().top + scrollY"))
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style == "solid"
        assert all(later >= earlier - 40 for earlier, later in itertools.pairwise(tops))


def test_every_link_leads_to_its_part(show: Open) -> None:
    with show("three") as seen:
        page: Page = seen.page
        links = page.eval_on_selector_all("a[href^='#']", "all => all.map((a) => a.getAttribute('href'))")
        assert len(links) > 12
        for link in links:
            assert page.locator(f"[id='{link[1:]}']").count() == 1


# --- without colour, on paper, against strangers ---------------------------------------------------------


def test_no_meaning_by_colour_alone(show: Open) -> None:
    with show("fail") as seen:
        page: Page = seen.page
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
