"""A real browser for tests: whatever Chromium this machine has. And rules of accessibility as checks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESKTOP, PHONE = (1200, 900), (390, 844)


def _rules(name: str) -> str:
    return (Path(__file__).parent / "browser" / f"{name}.js").read_text(encoding="utf-8")


def program() -> str:
    """The browser's path; the test is skipped where there is none."""
    found = next((path for path in map(shutil.which, PROGRAMS) if path), None)
    if found is None:
        pytest.skip(
            f"no browser: none of {', '.join(PROGRAMS)} is on PATH (Debian: apt-get install chromium)"
        )
    return found


@contextmanager
def started() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = program()
    # Inside a container there is no sandbox for root; the pages are our own.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=[*sandbox, "--force-color-profile=srgb"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Seen:
    """A page, and what went wrong on it or left it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def opened(
    browser: Browser,
    url: str,
    size: tuple[int, int] = DESKTOP,
    *,
    dark: bool = False,
    script: bool = True,
    scale: float = 1,
    **more: Any,
) -> Iterator[Seen]:
    """One address in a page of its own."""
    with desk_of(browser, size, dark=dark, script=script, scale=scale, **more) as desk:
        yield desk.load(url)


@dataclass
class Desk:
    """One page that looks at one address after the other: a context and a page cost more than a load."""

    page: Page
    seen: Seen

    def load(self, url: str, size: tuple[int, int] | None = None) -> Seen:
        """Returns what this address has asked for and said, and nothing of the one before."""
        if size:
            self.resize(size)
        self.seen.requests.clear()
        self.seen.errors.clear()
        self.page.goto(url)
        return self.seen

    def resize(self, size: tuple[int, int]) -> None:
        self.page.set_viewport_size({"width": size[0], "height": size[1]})


@contextmanager
def desk_of(
    browser: Browser,
    size: tuple[int, int] = DESKTOP,
    *,
    dark: bool = False,
    script: bool = True,
    scale: float = 1,
    **more: Any,
) -> Iterator[Desk]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=scale,
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        locale="en-US",
        **more,
    )
    page = context.new_page()
    seen = Seen(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on(
        "console", lambda said: seen.errors.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    try:
        yield Desk(page, seen)
    finally:
        context.close()


def write(folder: Path, name: str, text: str) -> str:
    """A page as a file; returns its URL."""
    path = folder / f"{name}.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


NAMES = _rules("names")
CONTRAST = _rules("contrast")


def comment_picture(browser: Browser, url: str, *, width: int = 1180, dark: bool = False) -> bytes:
    """The bot's newest comment on a pull request's page of the local GitHub, as a PNG."""
    with opened(browser, url, (width, 1000), dark=dark, scale=1.5) as seen:
        box = seen.page.locator(".thread", has=seen.page.locator(".badge", has_text="bot")).last.locator(
            ".box"
        )
        return box.screenshot(caret="initial", animations="disabled")
