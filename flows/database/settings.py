"""The settings that all of shapefit's connections to DuckDB share."""

from __future__ import annotations

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # DuckDB 2.0 joins dictionaries by reference, and its cache of small chunks fails when a join that spills changes them.
    "enable_caching_operators": "false",
    # Moving projections about takes a third of the time in which an estimate is planned, and makes nothing here any faster.
    "disabled_optimizers": "projection_pullup,projection_placement",
}
