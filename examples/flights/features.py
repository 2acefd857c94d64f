"""From the columns of the table to what a model takes. Only scikit-learn's own parts: the saved file runs no code of ours."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

CATEGORIES = ["carrier", "origin", "dest"]
SCHEDULE = ["minute_of_day", "weekday", "distance", "departures"]
WEATHER = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]


def numbers(params):
    return SCHEDULE + (WEATHER if params["weather"] else [])


def for_linear(params):
    """One column a category; gaps filled with the median; all on one scale."""
    return ColumnTransformer(
        [
            (
                "categories",
                OneHotEncoder(handle_unknown="ignore", min_frequency=50),
                [*CATEGORIES, "weekday"],
            ),
            (
                "numbers",
                make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
                [name for name in numbers(params) if name != "weekday"],
            ),
        ]
    )


def for_trees(params):
    """Categories as codes, numbers as they are: the trees take gaps, and a category not seen before is a gap."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=250)
    return ColumnTransformer(
        [("categories", encoder, CATEGORIES), ("numbers", "passthrough", numbers(params))]
    )
