"""The predictors, run for real: built-in ones, the user's command, and what can go wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import support_models as support
from modelrail import records
from modelrail.adapters import files
from modelrail.adapters.data import tables
from modelrail.adapters.running import model_files, predictor
from modelrail.adapters.running.environments import Environment
from modelrail.config import resolved as config
from modelrail.errors import PredictionError, UnsafeModelError

Score = Callable[..., predictor.Answer]


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = support.tables()
    x = train.drop("sick", "id").to_pandas()
    y = train["sick"].to_numpy()
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    boosted = HistGradientBoostingClassifier(max_iter=5).fit(x, y)
    nameless = make_pipeline(StandardScaler(), LogisticRegression()).fit(x.to_numpy(), y)
    return {"linear": linear, "boosted": boosted, "nameless": nameless, "test": test}


@pytest.fixture
def score(tmp_path: Path) -> Score:
    """Score one model file against the test half of the data."""

    def run(
        path: Path,
        *,
        test: pl.DataFrame | None = None,
        kind: str = ".parquet",
        model: config.Model | None = None,
        task: predictor.predictions.Task = "binary",
        code: str | None = None,
        positive: str | None = None,
    ) -> predictor.Answer:
        frame = support.tables()[1] if test is None else test
        tables.write(frame, tmp_path / f"test{kind}")
        tables.copy_without(tmp_path / f"test{kind}", tmp_path / f"features{kind}", ["sick"])
        model = model or support.model(allow_pickle=path.suffix == ".joblib")
        file = records.ModelFile(
            name=path.name,
            digest=files.digest_file(path),
            size=path.stat().st_size,
            format=model_files.format_of(path.name, predict=model.predict),
        )
        side = predictor.Side(
            role="candidate", name="The candidate", model=model, root=tmp_path, code=code, path=path,
            file=file,
            environment=Environment(Path(sys.executable), "sha256:env"),
        )  # fmt: skip
        question = predictor.Question(
            features=tmp_path / f"features{kind}",
            test=records.DataVersion(path="t", digest="sha256:test", source="file"),
            truth=tables.read(tmp_path / f"test{kind}", ["id", "sick"]),
            key="id", target="sick", group=None, task=task, positive=positive,
        )  # fmt: skip
        return predictor.score(side, question, support.surroundings(tmp_path))

    return run


def expected(fitted: dict[str, Any], name: str = "linear") -> Any:
    return fitted[name].predict_proba(fitted["test"].drop("sick", "id").to_pandas())[:, 1]


# Each answer is a process that imports scikit-learn, and skops as much again: what is not about the format
# is asked of a joblib file.


def test_skops(fitted: dict[str, Any], tmp_path: Path, score: Score) -> None:
    import skops.io

    skops.io.dump(fitted["boosted"], tmp_path / "m.skops")
    found = score(tmp_path / "m.skops")
    assert found.frame["id"].to_list() == fitted["test"]["id"].to_list()
    np.testing.assert_allclose(found.frame["score"].to_numpy(), expected(fitted, "boosted"))
    assert (found.frame["prediction"] == (found.frame["score"] > 0.5)).all()


def test_a_csv_in_and_a_csv_out_with_the_positive_class_that_was_named(
    fitted: dict[str, Any], tmp_path: Path, score: Score
) -> None:
    import skops.io

    skops.io.dump(fitted["linear"], tmp_path / "m.skops")
    found = score(tmp_path / "m.skops", kind=".csv", positive="0")
    assert found.frame["id"].to_list() == fitted["test"]["id"].to_list()
    np.testing.assert_allclose(found.frame["score"].to_numpy(), 1 - expected(fitted), rtol=1e-6)


def test_a_positive_class_that_the_model_does_not_know(
    fitted: dict[str, Any], tmp_path: Path, score: Score
) -> None:
    import joblib

    joblib.dump(fitted["linear"], tmp_path / "m.joblib")
    with pytest.raises(PredictionError, match="none is 'ill'"):
        score(tmp_path / "m.joblib", positive="ill")


@pytest.mark.fault(25)
def test_skops_types_outside_the_allow_list_are_not_loaded(tmp_path: Path, score: Score) -> None:
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    skops.io.dump(FunctionTransformer(__import__("os").system), tmp_path / "m.skops")
    with pytest.raises(UnsafeModelError, match=r"system"):
        score(tmp_path / "m.skops")
    # A function found by name in a trusted package is no class either.
    skops.io.dump(FunctionTransformer(np.testing.rundocs), tmp_path / "m.skops")
    with pytest.raises(UnsafeModelError, match="rundocs"):
        score(tmp_path / "m.skops")


@pytest.mark.parametrize("zipmap", [True, False])
def test_onnx(fitted: dict[str, Any], tmp_path: Path, score: Score, zipmap: bool) -> None:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    made = to_onnx(
        fitted["nameless"], initial_types=[("x", FloatTensorType([None, 4]))], options={"zipmap": zipmap}
    )
    (tmp_path / "m.onnx").write_bytes(made.SerializeToString())
    np.testing.assert_allclose(
        score(tmp_path / "m.onnx").frame["score"].to_numpy(), expected(fitted), atol=1e-5
    )


def test_onnx_with_one_input_a_column(fitted: dict[str, Any], tmp_path: Path, score: Score) -> None:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    types = [(name, FloatTensorType([None, 1])) for name in ("size", "texture", "border", "area")]
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = support.tables()
    model = make_pipeline(
        make_column_transformer((StandardScaler(), ["size", "texture", "border", "area"])),
        LogisticRegression(),
    ).fit(train.drop("sick", "id").to_pandas(), train["sick"].to_numpy())
    made = to_onnx(model, initial_types=types)
    (tmp_path / "m.onnx").write_bytes(made.SerializeToString())
    wanted = model.predict_proba(test.drop("sick", "id").to_pandas())[:, 1]
    np.testing.assert_allclose(score(tmp_path / "m.onnx").frame["score"].to_numpy(), wanted, atol=1e-5)


@pytest.mark.fault(25)
def test_joblib_only_when_the_policy_says_so(fitted: dict[str, Any], tmp_path: Path, score: Score) -> None:
    import joblib

    joblib.dump(fitted["linear"], tmp_path / "m.joblib")
    np.testing.assert_allclose(score(tmp_path / "m.joblib").frame["score"].to_numpy(), expected(fitted))
    with pytest.raises(UnsafeModelError, match="pickle"):
        score(tmp_path / "m.joblib", model=support.model(allow_pickle=False))


def test_an_mlflow_model(fitted: dict[str, Any], tmp_path: Path, score: Score) -> None:
    import joblib

    pytest.importorskip("mlflow")
    joblib.dump(fitted["linear"], tmp_path / "m.joblib")
    save = "import sys, joblib, mlflow.sklearn as s; s.save_model(joblib.load('m.joblib'), 'm', {})"
    options = "serialization_format='cloudpickle', pip_requirements=[]"
    support.run(tmp_path, sys.executable, "-W", "ignore", "-c", save.replace("{}", options))
    model_files.copy(support.model(model="m"), tmp_path / "m", tmp_path / "out")
    path = tmp_path / "out/model/m.tar"
    with pytest.raises(UnsafeModelError, match="pickle"):
        score(path)
    found = score(path, model=support.model(allow_pickle=True))
    np.testing.assert_allclose(found.frame["score"].to_numpy(), expected(fitted))


def test_many_classes(tmp_path: Path, score: Score) -> None:
    import joblib
    from sklearn.datasets import load_wine
    from sklearn.linear_model import LogisticRegression

    wine = load_wine(as_frame=True)
    names = {0: "01", 1: "b", 2: "c"}
    x = wine.data[["alcohol", "hue"]]
    y = wine.target.map(names)
    model = LogisticRegression().fit(x, y)
    joblib.dump(model, tmp_path / "m.joblib")
    test = pl.from_pandas(x).with_columns(sick=pl.Series(list(y)), id=pl.int_range(len(x)))
    # In a CSV "01" and "b" are text: the class must not become the number 1.
    found = score(tmp_path / "m.joblib", test=test, kind=".csv", task="multiclass").frame
    assert found.columns == ["id", "prediction", "score:01", "score:b", "score:c"]
    assert (found["prediction"] == pl.Series(list(model.predict(x)))).all()


def test_a_regression(tmp_path: Path, score: Score) -> None:
    import joblib
    from sklearn.linear_model import LinearRegression

    _, test = support.tables()
    model = LinearRegression().fit(test.select("size").to_pandas(), test["area"].to_pandas())
    joblib.dump(model, tmp_path / "m.joblib")
    table = test.select("id", "size", sick="area")
    found = score(tmp_path / "m.joblib", test=table, task="regression").frame
    assert found.columns == ["id", "prediction"]
    np.testing.assert_allclose(found["prediction"].to_numpy(), model.predict(test.select("size").to_pandas()))


# --- the user's own command ------------------------------------------------------------------------------

ANSWER = """
import os, sys
import polars as pl
table = pl.read_parquet(sys.argv[2])
assert "sick" not in table.columns, "the label is here"
assert os.environ["MODELRAIL_INPUT"] == sys.argv[2]
assert "GITHUB_TOKEN" not in os.environ
answer = table.select("id", prediction=pl.lit(1), score=pl.lit(0.75))
{change}
answer.write_parquet(sys.argv[3])
"""


def own(tmp_path: Path, change: str = "", **options: Any) -> config.Model:
    hangs = "sleep" in change  # from its first line: the time it gets is no time to import anything
    (tmp_path / "predict.py").write_text(change if hangs else ANSWER.replace("{change}", change))
    (tmp_path / "m.txt").write_text("a model")
    return support.model(predict="python predict.py {model} {input} {output}", **options)


def test_a_command_of_the_user(tmp_path: Path, score: Score) -> None:
    model = own(tmp_path)
    found = score(tmp_path / "m.txt", model=model)
    assert found.frame["score"].unique().to_list() == [0.75]
    assert found.frame.height == 169


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("change", "words", "tail"),
    [
        ("print('no cheese'); sys.exit(7)", r"failed \(exit code 7\)", "no cheese"),
        ("raise ValueError('no cheese')", r"failed \(exit code 1\)", "no cheese"),
        ("os.kill(os.getpid(), 9)", r"failed \(signal 9\)", ""),
        ("print('no cheese'); sys.exit(0)", "wrote no predictions", "no cheese"),
        ("print('slow'); answer = answer[:100]", r"69 rows are missing", "slow"),
        ("answer = pl.concat([answer, answer[:5]])", r"5 rows repeat a key", ""),
        (
            "answer = answer.with_columns(pl.col('id') + 1)",
            r"1 row has a key that was not asked for.*1 row is",
            "",
        ),
        ("answer = answer.with_columns(score=float('nan'))", r"169 values in 'score'", ""),
        ("open(sys.argv[3],'w').write('junk'); sys.exit()", "cannot be read", ""),
        ("import time; print('waiting', flush=True); time.sleep(60)", "did not finish within 1 s", "waiting"),
    ],
)
def test_a_predictor_that_goes_wrong(
    tmp_path: Path, score: Score, change: str, words: str, tail: str
) -> None:
    model = own(tmp_path, change, predict_timeout=1.0 if "sleep" in change else 60.0)
    with pytest.raises(PredictionError, match=words) as caught:
        score(tmp_path / "m.txt", model=model)
    assert tail in caught.value.tail


def test_nothing_is_scored_twice(tmp_path: Path, score: Score) -> None:
    model = own(tmp_path)
    assert not score(tmp_path / "m.txt", model=model, code="tree").cached
    again = score(tmp_path / "m.txt", model=model, code="tree")
    assert again.cached
    assert again.frame.height == 169
    assert not score(tmp_path / "m.txt", model=model, code="other").cached
    assert not score(tmp_path / "m.txt", model=model, code=None).cached
    (tmp_path / "m.txt").write_text("another model")
    assert not score(tmp_path / "m.txt", model=model, code="tree").cached
    # A spoiled entry is no answer.
    for path in (tmp_path.parent / "cache/predictions").glob("*/predictions.parquet"):
        path.write_bytes(b"junk")
    (tmp_path / "m.txt").write_text("a model")
    assert not score(tmp_path / "m.txt", model=model, code="tree").cached


def test_a_package_that_the_environment_lacks(tmp_path: Path, score: Score) -> None:
    (tmp_path / "skops.py").write_text("import nowhere_at_all\n")
    (tmp_path / "m.skops").write_text("x")
    with pytest.raises(PredictionError, match="lacks the package 'nowhere_at_all'"):
        score(tmp_path / "m.skops")


def test_a_column_that_the_model_wants(fitted: dict[str, Any], tmp_path: Path, score: Score) -> None:
    import joblib

    joblib.dump(fitted["linear"], tmp_path / "m.joblib")
    joblib.dump(fitted["nameless"], tmp_path / "n.joblib")
    test = support.tables()[1]
    with pytest.raises(PredictionError, match="wants the column 'texture'"):
        score(tmp_path / "m.joblib", test=test.drop("texture"))
    with pytest.raises(PredictionError, match="wants 4 columns and the test set has 3"):
        score(tmp_path / "n.joblib", test=test.drop("texture"))
