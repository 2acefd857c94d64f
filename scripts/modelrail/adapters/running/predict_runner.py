"""Runs by itself in the USER'S Python: loads one model file and scores one table. Never imported.

    python predict_runner.py request.json

Standard library and whatever the user's environment has. The request names the model file, its format, the
input and output tables, and the columns. Exit code 0: the output is written. 3: a refusal, its reason as the
last line.
"""

from __future__ import annotations

import os
import sys

# Not this script's folder (it holds modules named like other people's packages), but the model's own.
sys.path[0] = os.getcwd()  # noqa: PTH109

import importlib  # noqa: E402
import inspect  # noqa: E402
import json  # noqa: E402
import warnings  # noqa: E402
from typing import Any  # noqa: E402

REFUSED = 3
# Where the classes of ordinary scikit-learn pipelines live. Classes only: a function found by name (numpy
# has some that run text as code) is never let in.
TRUSTED_PACKAGES = ("sklearn", "numpy", "scipy", "xgboost", "lightgbm", "pandas")
PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".dill", ".cloudpickle")


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """Something that the caller shall tell the user in these words."""


# --- tables ------------------------------------------------------------------------------------------------


def read_table(path: str) -> Any:
    """A pandas frame where pandas is there, else a polars one."""
    parquet = path.endswith(".parquet")
    try:
        import pandas as pd

        return pd.read_parquet(path) if parquet else pd.read_csv(path)
    except ImportError:
        pass
    try:
        import polars as pl

        return pl.read_parquet(path) if parquet else pl.read_csv(path, infer_schema_length=None)
    except ImportError:
        kind = "pyarrow and pandas, or polars," if parquet else "pandas or polars"
        raise Refusal(f"the environment has no library to read its tables: add {kind} to it") from None


def write_table(columns: dict[str, Any], like: Any, path: str) -> None:
    frame = type(like)(columns)
    parquet = path.endswith(".parquet")
    if type(like).__module__.startswith("pandas"):
        frame.to_parquet(path, index=False) if parquet else frame.to_csv(path, index=False)
    else:
        frame.write_parquet(path) if parquet else frame.write_csv(path)


def features(table: Any, names: list[str] | None, count: int | None, request: dict[str, Any]) -> Any:
    """The columns that the model was trained on: by name if it knows them, else by their number."""
    present = list(table.columns)
    if names is not None:
        absent = [name for name in names if name not in present]
        if absent:
            raise Refusal(f"the model wants the column {absent[0]!r}, which the test set does not have")
        return table[list(names)]
    without_key = [name for name in present if name != request["key"]]
    without_group = [name for name in without_key if name != request["group"]]
    for chosen in (without_key, without_group):
        if count is None or len(chosen) == count:
            return table[chosen]
    raise Refusal(
        f"the model wants {count} columns and the test set has {len(without_key)} beside its key;"
        " train it on a table with column names, or write a `predict:` command"
    )


# --- what every scikit-learn-like model answers ------------------------------------------------------------


def predict_estimator(model: Any, table: Any, request: dict[str, Any]) -> dict[str, Any]:
    names = getattr(model, "feature_names_in_", None)
    count = getattr(model, "n_features_in_", None)
    data = features(table, None if names is None else [str(name) for name in names], count, request)
    if names is None and count is not None and hasattr(data, "to_numpy"):
        data = data.to_numpy()  # it was trained on an array: names would only make it warn
    if request["task"] == "multilabel":
        return several_labels(model, data, request)
    out = {"prediction": flat(model.predict(data))}
    if request["task"] in {"binary", "multiclass"} and hasattr(model, "predict_proba"):
        out.update(scores(model.predict_proba(data), list(model.classes_), request))
    return out


def several_labels(model: Any, data: Any, request: dict[str, Any]) -> dict[str, Any]:
    """A matrix of 0 and 1, a column a label in the order of `target`; and the chance of each, where told."""
    import numpy as np

    labels = request["labels"]
    if not labels:
        raise Refusal(
            "a model answers with a matrix, whose columns nothing names: let `target` list a column for each"
            " label, or write a `predict:` command"
        )
    said = model.predict(data)
    said = np.asarray(said.toarray() if hasattr(said, "toarray") else said)
    if said.ndim != 2 or said.shape[1] != len(labels):
        raise Refusal(f"the model predicts {said.shape[1:] or 'one value'}, not {len(labels)} labels a row")
    out = {f"prediction:{name}": said[:, index] for index, name in enumerate(labels)}
    if not hasattr(model, "predict_proba"):
        return out
    chances = model.predict_proba(data)
    if isinstance(chances, list):  # a table a label, one column a class
        chances = np.column_stack(
            [
                one[:, list(classes).index(1)] if 1 in list(classes) else np.zeros(len(one))
                for one, classes in zip(chances, model.classes_, strict=True)
            ]
        )
    chances = np.asarray(chances, dtype=float)
    if chances.shape == said.shape:
        out.update({f"score:{name}": chances[:, index] for index, name in enumerate(labels)})
    return out


def flat(values: Any) -> Any:
    import numpy as np

    found = np.asarray(values)
    return found.reshape(-1) if found.ndim == 2 and found.shape[1] == 1 else found


def positive_index(classes: list[Any], request: dict[str, Any]) -> int:
    wanted = request["positive"]
    if wanted is None:
        return classes.index(max(classes))
    for index, label in enumerate(classes):
        if str(label) == wanted or str(label).lower() == wanted.lower():
            return index
    for index, label in enumerate(classes):
        if (wanted.lower(), str(label).lower()) in {
            ("true", "1"),
            ("false", "0"),
            ("1", "true"),
            ("0", "false"),
        }:
            return index
    raise Refusal(
        f"the model knows the classes {', '.join(map(str, classes))}; none is {wanted!r} (`positive:`)"
    )


def scores(probabilities: Any, classes: list[Any], request: dict[str, Any]) -> dict[str, Any]:
    if request["task"] == "binary":
        return {"score": probabilities[:, positive_index(classes, request)]}
    return {f"score:{label}": probabilities[:, index] for index, label in enumerate(classes)}


# --- the formats -------------------------------------------------------------------------------------------


def run_skops(path: str, table: Any, request: dict[str, Any]) -> dict[str, Any]:
    import skops.io

    unknown = sorted(skops.io.get_untrusted_types(file=path))
    refused = [name for name in unknown if not is_trusted(name)]
    if refused:
        raise Refusal(f"the file holds types that are not on the allow-list: {', '.join(refused[:10])}")
    return predict_estimator(skops.io.load(path, trusted=unknown), table, request)


def is_trusted(name: str) -> bool:
    """A class (or numpy ufunc) of a package that scikit-learn models are made of."""
    module, _, attribute = name.rpartition(".")
    if module.partition(".")[0] not in TRUSTED_PACKAGES:
        return False
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        return False
    import numpy as np

    return inspect.isclass(found) or isinstance(found, np.ufunc)


def run_joblib(path: str, table: Any, request: dict[str, Any]) -> dict[str, Any]:
    if not request["allow_pickle"]:
        raise Refusal("a pickle runs code when it is loaded, and the policy does not allow it")
    try:
        import joblib

        model = joblib.load(path)
    except ImportError:
        import pickle

        with open(path, "rb") as stream:  # noqa: PTH123
            model = pickle.load(stream)  # noqa: S301 - allowed by the policy in words, checked above
    return predict_estimator(model, table, request)


def run_onnx(path: str, table: Any, request: dict[str, Any]) -> dict[str, Any]:
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    if len(inputs) == 1 and inputs[0].name not in list(table.columns):
        width = inputs[0].shape[1] if len(inputs[0].shape) == 2 else None
        data = features(table, None, width if isinstance(width, int) else None, request)
        feed = {inputs[0].name: np.asarray(data.to_numpy(), dtype=onnx_type(inputs[0].type))}
    else:
        data = features(table, [item.name for item in inputs], None, request)
        feed = {
            item.name: np.asarray(data[item.name].to_numpy()).astype(onnx_type(item.type)).reshape(-1, 1)
            for item in inputs
        }
    results = session.run(None, feed)
    labels = flat(results[0])
    out = {"prediction": labels}
    if request["task"] in {"binary", "multiclass"} and len(results) > 1:
        out.update(onnx_scores(results[1], labels, request))
    return out


def onnx_type(text: str) -> Any:
    import numpy as np

    kinds = {
        "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64,
        "tensor(int32)": np.int32, "tensor(bool)": np.bool_, "tensor(string)": np.str_,
    }  # fmt: skip
    if text not in kinds:
        raise Refusal(f"the model wants {text} as input; write a `predict:` command for it")
    return object if kinds[text] is np.str_ else kinds[text]


def onnx_scores(result: Any, labels: Any, request: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    if isinstance(result, list) and result and isinstance(result[0], dict):  # skl2onnx's ZipMap
        classes = list(result[0])
        return scores(np.array([[row[label] for label in classes] for row in result]), classes, request)
    probabilities = np.asarray(result, dtype=float)
    if probabilities.ndim != 2:
        return {"score": flat(probabilities)} if request["task"] == "binary" else {}
    # A bare tensor does not say whose column is whose; the predicted labels do.
    best = probabilities.argmax(axis=1)
    known: list[Any] = []
    for index in range(probabilities.shape[1]):
        seen = labels[best == index]
        known.append((seen[0].item() if hasattr(seen[0], "item") else seen[0]) if len(seen) else None)
    if None not in known:
        return scores(probabilities, known, request)
    if request["task"] == "binary" and request["positive"] is None and probabilities.shape[1] == 2:
        return {"score": probabilities[:, 1]}  # scikit-learn's order: the greater label is last
    return {}


def run_mlflow(path: str, table: Any, request: dict[str, Any]) -> dict[str, Any]:
    found = sorted(
        name
        for _, _, names in os.walk(path)
        for name in names
        if os.path.splitext(name)[1].lower() in PICKLES  # noqa: PTH122
    )
    if found and not request["allow_pickle"]:
        raise Refusal(f"the MLflow model holds a pickle ({found[0]}), and the policy does not allow it")
    import mlflow

    flavors = mlflow.models.Model.load(path).flavors
    if "sklearn" in flavors:
        if request["allow_pickle"]:
            os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
        import mlflow.sklearn

        return predict_estimator(mlflow.sklearn.load_model(path), table, request)
    model = mlflow.pyfunc.load_model(path)
    names = model.metadata.get_input_schema().input_names() if model.metadata.get_input_schema() else None
    data = features(table, names or None, None, request)
    answer = model.predict(data)
    if hasattr(answer, "columns") and "prediction" in list(answer.columns):
        return {name: answer[name].to_numpy() for name in answer.columns if name != request["key"]}
    return {"prediction": flat(answer)}


FORMATS = {"skops": run_skops, "joblib": run_joblib, "onnx": run_onnx, "mlflow": run_mlflow}


def main() -> int:
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    with open(sys.argv[1], encoding="utf-8") as stream:  # noqa: PTH123
        request = json.load(stream)
    try:
        table = read_table(request["input"])
        columns = FORMATS[request["format"]](request["model"], table, request)
    except Refusal as refusal:
        print(f"modelrail: {refusal}")  # noqa: T201
        return REFUSED
    except ModuleNotFoundError as error:
        print(f"modelrail: the environment lacks the package {error.name!r}: add it to `env:`")  # noqa: T201
        return REFUSED
    write_table({request["key"]: table[request["key"]], **columns}, table, request["output"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
