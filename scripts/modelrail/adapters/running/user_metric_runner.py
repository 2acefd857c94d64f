"""Runs by itself in the USER'S Python: calls one metric function of the user's on arrays. Never imported.

    python user_metric_runner.py request.json

The request names the function, a folder with one .npy file an array, the seed and the number of resamples.
The answer is JSON: the value for each model, and under each resample of the rows (or of their groups).
Exit code 0: the answer is written. 3: a refusal, its reason as the last line.
"""

from __future__ import annotations

import os
import sys

# Not this script's folder, but the model's own.
sys.path[0] = os.getcwd()  # noqa: PTH109

import importlib  # noqa: E402
import inspect  # noqa: E402
import json  # noqa: E402
from typing import Any  # noqa: E402

REFUSED = 3


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """Something that the caller shall tell the user in these words."""


def function_of(name: str) -> Any:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise Refusal(f"there is no module {error.name!r} in the model's folder or its environment") from None
    except AttributeError:
        raise Refusal(f"the module {module!r} has no function {attribute!r}") from None
    return found


def wanted(function: Any, known: list[str]) -> list[str]:
    """The names of the function's arguments: each is an array that exists, or has a default."""
    names = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}:
            continue
        if parameter.name in known:
            names.append(parameter.name)
        elif parameter.default is parameter.empty:
            raise Refusal(f"its argument {parameter.name!r} is none of: {', '.join(sorted(known))}")
    return names


def value_of(function: Any, arguments: dict[str, Any]) -> float | None:
    found = function(**arguments)
    if found is None:
        return None
    try:
        number = float(found)
    except (TypeError, ValueError):
        raise Refusal(f"it returned {type(found).__name__}, not a number") from None
    return number if number - number == 0 else None  # neither NaN nor infinite


def main(path: str) -> None:
    try:
        import numpy as np
    except ImportError:
        raise Refusal("the environment has no numpy: add it") from None
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123
        request = json.load(stream)
    folder = request["folder"]

    def load(name: str) -> Any:
        return np.load(os.path.join(folder, f"{name}.npy"), allow_pickle=False)  # noqa: PTH118

    function = function_of(request["function"])
    models = request["models"]  # for each model: argument name -> file
    names = [wanted(function, list(files)) for files in models]
    arrays = [{name: load(files[name]) for name in chosen} for files, chosen in zip(models, names)]  # noqa: B905
    values = [value_of(function, one) for one in arrays]
    rows, groups = request["rows"], request["groups"]
    rng = np.random.default_rng(request["seed"])
    replicates: list[list[float | None]] = [[] for _ in models]
    if groups:
        codes = load(groups)
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(int(codes.max()) + 2))
    if all(value is not None for value in values):
        for _ in range(request["resamples"]):
            if groups:
                units = rng.integers(0, len(starts) - 1, len(starts) - 1)
                chosen = np.concatenate([order[starts[unit] : starts[unit + 1]] for unit in units])
            else:
                chosen = rng.integers(0, rows, rows)
            for found, one in zip(replicates, arrays):  # noqa: B905
                found.append(value_of(function, {name: array[chosen] for name, array in one.items()}))
    with open(request["answer"], "w", encoding="utf-8") as stream:  # noqa: PTH123
        json.dump({"values": values, "replicates": replicates}, stream)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Refusal as refusal:
        sys.stderr.write(f"modelrail: {refusal}\n")
        sys.exit(REFUSED)
