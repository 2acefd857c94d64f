"""The comment as the local GitHub shows it: what README.md has a picture of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import support_comment
from support_browser import CONTRAST, DESKTOP, PHONE, comment_picture, desk_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("flask")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with support_comment.page(tmp_path_factory.mktemp("comment")) as found:
        yield found


def test_the_comment_is_read_without_unfolding_stands_out_and_folds_by_keyboard(
    browser: Browser, url: str
) -> None:
    with desk_of(browser) as desk:
        page, seen = desk.page, desk.load(url)
        comment = page.locator(".thread").last
        for size in (PHONE, DESKTOP):
            desk.resize(size)
            title = comment.locator("h3").first.inner_text().strip()
            assert title == "⛔ Do not merge: ROC AUC for carrier EV fell by 4.0 points [2.6, 5.4]"
            words = comment.locator(".md").inner_text()
            assert "ROC AUC for carrier EV falls by 4.0 points" in words
            assert "ROC AUC, every carrier, may fall by at most 0.04" in words
            assert "Next:" in words
            assert not comment.locator("text=hour over 19 to 23").first.is_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate(CONTRAST, "[id^=issuecomment] .md")
            assert len(found) > 10
            assert [one for one in found if one[0] < 4.5] == [], scheme
        page.locator("summary", has_text="Slices:").focus()
        page.keyboard.press("Enter")
        assert comment.locator("td", has_text="carrier EV").first.is_visible()
        assert not seen.errors


def test_the_picture_can_be_taken(browser: Browser, url: str, tmp_path: Path) -> None:
    image = comment_picture(browser, url)
    assert image.startswith(b"\x89PNG")
    width, height = (int.from_bytes(image[at : at + 4], "big") for at in (16, 20))
    assert width > 1100
    assert height > 1000
