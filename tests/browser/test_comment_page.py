"""The comment as the local GitHub shows it: what README.md has a picture of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import support_comment
from support_browser import CONTRAST, DESKTOP, PHONE, comment_picture, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("flask")
pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with support_comment.page(tmp_path_factory.mktemp("comment")) as found:
        yield found


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_verdict_is_read_without_unfolding_anything(
    browser: Browser, url: str, size: tuple[int, int]
) -> None:
    with opened(browser, url, size) as seen:
        comment = seen.page.locator(".thread").last
        title = comment.locator("h3").first.inner_text().strip()
        assert title == "⛔ Do not merge: ROC AUC for carrier EV fell by 4.0 points [2.6, 5.4]"
        words = comment.locator(".md").inner_text()
        assert "ROC AUC for carrier EV falls by 4.0 points" in words
        assert "ROC AUC, every carrier, no worse than \u22120.04" in words
        assert "Next:" in words
        assert not comment.locator("text=hour over 19 to 23").first.is_visible()
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert not seen.errors


def test_folds_open_by_keyboard(browser: Browser, url: str) -> None:
    with opened(browser, url) as seen:
        fold = seen.page.locator("summary", has_text="Slices:")
        fold.focus()
        seen.page.keyboard.press("Enter")
        assert seen.page.locator(".thread").last.locator("td", has_text="carrier EV").first.is_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_comments_texts_stand_out(browser: Browser, url: str, dark: bool) -> None:
    with opened(browser, url, dark=dark) as seen:
        assert [one for one in seen.page.evaluate(CONTRAST, "[id^=issuecomment] .md") if one[0] < 4.5] == []


def test_the_picture_can_be_taken(browser: Browser, url: str, tmp_path: Path) -> None:
    image = comment_picture(browser, url)
    assert image.startswith(b"\x89PNG")
    width, height = (int.from_bytes(image[at : at + 4], "big") for at in (16, 20))
    assert width > 1100
    assert height > 1000
