"""`scripts/bench scale`: time and memory of a comparison of many rows, read from Parquet by column.

The tables are written piece by piece into a temporary folder; the comparison runs in a process of its own, so
that the peak is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PIECE = 2_000_000
METRICS = ("accuracy", "f1", "log_loss", "brier", "roc_auc", "average_precision")
COLUMNS = {"truth": ["id", "late", "carrier"], "candidate": ["id", "prediction", "score"]}


def write(folder: Path, rows: int) -> None:
    """Truth and two scorers as Parquet, never more than a piece of them in memory."""
    import numpy as np
    import polars as pl

    for start in range(0, rows, PIECE):
        count = min(PIECE, rows - start)
        rng = np.random.default_rng(start)
        keys = np.arange(start, start + count)
        late = (rng.random(count) < 0.25).astype(np.int8)
        common = rng.normal(size=count)
        carrier = rng.choice(["AA", "B6", "EV", "UA"], count)
        frames = {"truth": pl.DataFrame({"id": keys, "late": late, "carrier": carrier})}
        for role, skill in (("candidate", 1.55), ("baseline", 1.5)):
            score = 1 / (
                1 + np.exp(-(skill * (late - 0.25) + 0.8 * common + 0.55 * rng.normal(size=count) - 0.5))
            )
            said = (score > 0.5).astype(np.int8)
            frames[role] = pl.DataFrame({"id": keys, "prediction": said, "score": score})
        for role, frame in frames.items():
            place = folder / role
            place.mkdir(exist_ok=True)
            frame.write_parquet(place / f"{start:012}.parquet", statistics=False)
    for role in ("truth", "candidate", "baseline"):
        pl.scan_parquet(folder / role / "*.parquet").sink_parquet(
            folder / f"{role}.parquet", statistics=False
        )
        for part in (folder / role).iterdir():
            part.unlink()


def compare(folder: Path, names: list[str], slices: tuple[str, ...]) -> dict[str, float]:
    """Read and compare, as `modelrail compare` does."""
    import msgspec

    from bench_compare import DIGEST, bench_model, bench_records
    from modelrail import records
    from modelrail.adapters.data import tables
    from modelrail.core.comparison import compare as core

    started = time.monotonic()
    read = COLUMNS["truth"] if slices else COLUMNS["truth"][:2]
    model = bench_model(tuple(names), slices=slices)
    gates = tuple(gate for gate in model.gates if gate.metric.name in names and (slices or not gate.slices))
    made = core.compare(
        msgspec.structs.replace(model, gates=gates),
        bench_records(tables.count(folder / "truth.parquet")),
        evaluation_digest=DIGEST,
        truth=tables.Stored(folder / "truth.parquet", read),
        candidate=tables.Stored(folder / "candidate.parquet"),
        baseline=tables.Stored(folder / "baseline.parquet"),
        policy=records.PolicyRef(commit="0" * 40, digest=DIGEST, changed=False, source="head"),
    )
    return {
        "rows": made.rows,
        "CPU s": time.process_time(),
        "wall s": time.monotonic() - started,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench scale", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--metric", action="append", help=f"default: {', '.join(METRICS)}")
    parser.add_argument("--slices", action="store_true", help="by carrier too")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)  # of the child: the tables are there
    chosen = parser.parse_args(arguments)
    names = chosen.metric or list(METRICS)
    if chosen.folder:
        print(json.dumps(compare(chosen.folder, names, ("carrier",) if chosen.slices else ())))
        return 0
    with tempfile.TemporaryDirectory(prefix="modelrail-scale-") as place:
        write(Path(place), chosen.rows)
        command = [sys.executable, __file__, "--folder", place]
        command += [part for name in names for part in ("--metric", name)] + ["--slices"] * chosen.slices
        paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths}
        )
    found = json.loads(done.stdout)
    print(f"{found.pop('rows'):,.0f} rows, {', '.join(names)}{', 4 slices' * chosen.slices}")
    for name, value in found.items():
        print(f"  {name:<10} {value:>12,.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
