"""Train the model that params.yaml describes on data/train.parquet; write build/model.skops."""

from pathlib import Path

import features
import pandas as pd
import skops.io
import yaml
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

HERE = Path(__file__).parent
SEED = 2013


def pipeline(params):
    settings = params[params["model"]]
    if params["model"] == "logistic":
        return make_pipeline(features.for_linear(params), LogisticRegression(**settings))
    if params["model"] == "gradient_boosting":
        # features.py encodes the categories: `categorical_features` would save a function in the file.
        trees = HistGradientBoostingClassifier(early_stopping=False, random_state=SEED, **settings)
        return make_pipeline(features.for_trees(params), trees)
    raise SystemExit(f"params.yaml: model is {params['model']!r}; known are logistic and gradient_boosting")


def main():
    params = yaml.safe_load((HERE / "params.yaml").read_text())
    rows = pd.read_parquet(HERE / "data" / "train.parquet")
    print(f"{params['model']} on {len(rows):,} flights", flush=True)

    model = pipeline(params).fit(rows[features.columns(params)], rows["late"])
    out = HERE / "build" / "model.skops"
    out.parent.mkdir(exist_ok=True)
    skops.io.dump(model, out)
    print(f"wrote {out.relative_to(HERE)}, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
