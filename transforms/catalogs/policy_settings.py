"""Settings of the pipeline itself: rows of the policies catalog."""

from __future__ import annotations

import polars as pl


class SettingError(ValueError):
    """The policies catalog lacks a setting; the message names it."""


def setting(policies: pl.DataFrame, policy: str, key: str) -> float:
    """The value of the row (policy, key) of the policies catalog, in the unit that the row states. Raises SettingError."""
    rows = policies.filter((pl.col("policy") == policy) & (pl.col("key") == key))
    if rows.height != 1:
        raise SettingError(f"the policies catalog has no row {policy}, {key}")
    return rows["value"].item()
