"""The age of a version's facts on the day it is published: models by the time they were read, prices by their date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

AGES_DAYS = (1, 7, 30)
"""Bounds between the ages that models are counted by: read within a day, a week, a month, or earlier."""


def freshness(tables: dict[str, pl.DataFrame], moment: datetime) -> dict[str, object]:
    """Ages of the models and prices of a version.

    Args:
        tables: models, prices and policies.
        moment: when the version is published, with its time zone.

    Returns counts and ISO 8601 times by name. A price is stale when it has no date or is older than the policies catalog says; a
    time that lies in the future, as it does when a clock was wrong, counts as now.
    """
    fetched, priced = tables["models"]["fetched_at"], tables["prices"]["price_as_of"]
    stale_days = int(tables["policies"].filter(pl.col("key") == "stale_price_days")["value"].item())
    price_ages = _days_before(moment, priced)
    return {
        "models_fetched_from": _iso(fetched.min()),
        "models_fetched_to": _iso(fetched.max()),
        "models_by_age": _by_age(_days_before(moment, fetched).drop_nulls(), AGES_DAYS),
        "prices_as_of_from": _iso(priced.min()),
        "prices_as_of_to": _iso(priced.max()),
        "prices_undated": priced.null_count(),
        "prices_stale": priced.null_count() + int((price_ages > stale_days).sum()),
        "prices_stale_after_days": stale_days,
        "price_age_days_median": _rounded(price_ages.median()),
    }


def _days_before(moment: datetime, times: pl.Series) -> pl.Series:
    age = pl.lit(moment) - pl.col("time").cast(pl.Datetime("us", "UTC"))
    days = (age.dt.total_seconds() / 86_400).clip(lower_bound=0)
    return times.to_frame("time").select(days).to_series()


def _by_age(days: pl.Series, bounds: Sequence[int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    before = 0
    for bound in bounds:
        within = int((days <= bound).sum())
        counts[f"within_{bound}_days"] = within - before
        before = within
    return {**counts, "older": days.len() - before}


def _rounded(days: object) -> float | None:
    return round(days, 1) if isinstance(days, int | float) else None


def _iso(moment: object) -> str | None:
    return moment.isoformat() if isinstance(moment, date) else None
