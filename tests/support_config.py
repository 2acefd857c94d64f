"""A valid modelrail.yaml, and the faults of a changed one as lines of text."""

from __future__ import annotations

from modelrail.config import check as config_check
from modelrail.config import resolved as config
from modelrail.errors import ConfigError

VALID = """\
version: 1
models:
  delay:
    task: binary
    env: requirements.txt
    data:
      train: data/train.parquet
      test: data/test.parquet
      target: late
      key: flight_id
      group: day
    params: params.yaml
    train: python train.py
    model: build/model.skops
    metrics: [roc_auc, brier]
    slices: [carrier, {column: distance, bins: 5, min_rows: 100}]
    gates:
      - {metric: roc_auc, min: 0.70}
      - {metric: brier, no_worse_than: 1%}
      - {metric: recall, slices: carrier, no_worse_than: 0.03, severity: warn}
    stages:
      staging: {enter: on-pass}
      production: {from: staging, enter: manual, first: allowed}
    timeout: {train: 1h30m, predict: 90s}
"""


def parse(text: str) -> config.Config:
    return config_check.parse(text, "modelrail.yaml")


def faults(text: str) -> list[str]:
    """`line path: what hint`, one for each fault; empty for a valid file."""
    try:
        parse(text)
    except ConfigError as error:
        return [f"{fault.line} {fault.path}: {fault.what} {fault.hint}".rstrip() for fault in error.faults]
    return []


def changed(*pairs: tuple[str, str]) -> str:
    """The valid file with each text (found exactly once) replaced."""
    text = VALID
    for old, new in pairs:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    return text
