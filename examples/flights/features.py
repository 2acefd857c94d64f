"""From the columns of the table to what a model takes.

Only scikit-learn's own parts, so that the saved file runs no code of this project.
"""

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

CATEGORIES = ["carrier", "origin", "dest"]
SCHEDULE = ["minute_of_day", "distance", "departures"]
WEATHER = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]


def numbers(params):
    return [*SCHEDULE, *(WEATHER if params["weather"] else [])]


def columns(params):
    """What the model is given; never the key, the day or the label."""
    return [*CATEGORIES, "weekday", *numbers(params)]


def for_linear(params):
    """One column a category; gaps filled with the median; all numbers on one scale."""
    categories = OneHotEncoder(handle_unknown="ignore", min_frequency=50)
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return ColumnTransformer(
        [("categories", categories, [*CATEGORIES, "weekday"]), ("numbers", scaled, numbers(params))]
    )


def for_trees(params):
    """A category becomes how often its flights were late; numbers stay as they are: trees take gaps."""
    folds = StratifiedKFold(5, shuffle=True, random_state=2013)  # no flight is told its own outcome
    rates = TargetEncoder(target_type="binary", cv=folds)
    return ColumnTransformer(
        [("categories", rates, CATEGORIES), ("numbers", "passthrough", ["weekday", *numbers(params)])]
    )
