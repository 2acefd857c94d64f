"""One browser for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import support_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="package")  # closed before other tests run in this process
def browser() -> Iterator[Browser]:
    with support_browser.started() as found:
        yield found
