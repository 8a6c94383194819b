"""Ages of models and prices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from transforms.catalogs.freshness import freshness

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


def test_models_and_prices_are_counted_by_age() -> None:
    fetched = [NOW - timedelta(days=days) for days in (0.5, 1, 3, 29, 31, 400)] + [NOW + timedelta(days=9)]
    priced = [date(2026, 6, 30), date(2026, 6, 20), date(2026, 1, 2), date(2026, 1, 1), None]
    found = freshness(
        {
            "models": pl.DataFrame({"fetched_at": fetched}),
            "prices": pl.DataFrame({"price_as_of": priced}),
            "policies": pl.DataFrame({"key": ["versions_kept", "stale_price_days"], "value": [7.0, 180.0]}),
        },
        NOW,
    )
    assert found["models_by_age"] == {"within_1_days": 3, "within_7_days": 1, "within_30_days": 1, "older": 2}
    assert (found["prices_undated"], found["prices_stale"], found["prices_stale_after_days"]) == (1, 2, 180)
    assert found["price_age_days_median"] == 95.0
    assert found["prices_as_of_from"] == "2026-01-01" and found["models_fetched_from"] == fetched[5].isoformat()


def test_a_version_without_prices_or_models_has_no_ages() -> None:
    found = freshness(
        {
            "models": pl.DataFrame({"fetched_at": []}, schema={"fetched_at": pl.Datetime("us", "UTC")}),
            "prices": pl.DataFrame({"price_as_of": []}, schema={"price_as_of": pl.Date}),
            "policies": pl.DataFrame({"key": ["stale_price_days"], "value": [180.0]}),
        },
        NOW,
    )
    assert found["price_age_days_median"] is None and found["models_fetched_to"] is None and found["prices_stale"] == 0
