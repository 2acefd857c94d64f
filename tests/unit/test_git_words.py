"""What git's own words mean: a missing right, or a line that failed."""

from __future__ import annotations

import pytest

from modelrail.adapters.git import denied


@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to access 'https://github.com/octo/flights/': The requested URL returned error: 403",
        "fatal: unable to access 'https://github.com/octo/flights/': The requested URL returned error: 401",
        "error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403",
        "remote: Permission to octo/flights.git denied to github-actions[bot].",
        "git@github.com: Permission denied (publickey).",
        "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
        "fatal: Authentication failed for 'https://github.com/octo/flights/'",
    ],
)
def test_a_right_is_missing(said: str) -> None:
    assert denied(said)


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to access 'http://127.0.0.1:40147/octo/flights/': transfer closed with data remaining",
        "fatal: unable to access 'http://127.0.0.1:54403/o/403/': The requested URL returned error: 503",
        " ! [remote rejected] 401 -> model-403@v1.0.0 (cannot lock ref)",
        "error: 403 objects were sent",
    ],
)
def test_a_number_that_is_no_status(said: str) -> None:
    assert not denied(said)
