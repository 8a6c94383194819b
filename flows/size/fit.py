"""Fit a measured concurrency sweep: the tables of `sql/sizing` in run order, over one in-memory database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flows.database.sql_files import run_sql

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from transforms.sizing.metric_fit import MetricFit

SWEEP_TABLES = ("sweeps", "sweep_levels", "requests", "workflow_items", "measurements")
"""Tables of measured and imported sweeps; `measurements` holds what was imported as percentiles, the fit adds the rest."""

_STEPS = ("points", "knee_fits", "line_points", "line_fits", "intervals", "sizing", "per_concurrency")

_FORMULAS = (
    "concurrency_for_target",
    "gpus_for_users",
    "rough_gpus",
    "leverage",
    "studentized_deviation",
    "whole_gpus",
    "whole_nodes",
)
"""The files of `sql/sizing/macros`."""


@dataclass(frozen=True)
class SizingTargets:
    """The targets (seconds at the 95th percentile, users at once) and the GPUs that served the sweep.

    A target of None is not asked for; without users or test GPUs the times are fitted and no GPUs are counted.
    `gpus_per_replica` are the GPUs of one copy of the engine: whole GPUs come in multiples of it.
    """

    llm_latency_s: float | None = None
    workflow_runtime_s: float | None = None
    users: int | None = None
    test_gpu_count: int | None = None
    gpus_per_replica: int = 1


@dataclass(frozen=True)
class FittedSweep:
    """The tables of a fitted sweep: `measurements`, `sizing`, `per_concurrency` and the items they rest on."""

    measurements: pl.DataFrame
    sizing: pl.DataFrame
    per_concurrency: pl.DataFrame
    workflow_items: pl.DataFrame
    settings: dict[str, float]

    def by_metric(self) -> list[MetricFit]:
        """The rows of `sizing`."""
        return cast("list[MetricFit]", self.sizing.to_dicts())


def fit_sweep(tables: dict[str, pl.DataFrame], targets: SizingTargets, settings: pl.DataFrame) -> FittedSweep:
    """Fit one sweep (or several that were appended to one another).

    Args:
        tables: the frames of SWEEP_TABLES, each as its contract declares it; missing ones count as empty.
        targets: what is to be met.
        settings: the `sizing_settings` catalog.
    """
    with sizing_database(tables, settings) as connection:
        parameters = {
            "target_llm_latency_s": targets.llm_latency_s,
            "target_workflow_runtime_s": targets.workflow_runtime_s,
            "target_users": targets.users,
            "test_gpu_count": targets.test_gpu_count,
            "gpus_per_replica": targets.gpus_per_replica,
        }
        run_sql(connection, "sizing/targets.sql", parameters)
        complete_measurements(connection)
        for step in _STEPS:
            run_sql(connection, f"sizing/{step}.sql")
        return FittedSweep(
            measurements=connection.table("measurements").order("concurrency").pl(),
            sizing=connection.table("sizing").pl(),
            per_concurrency=connection.table("per_concurrency").order("concurrency").pl(),
            workflow_items=connection.table("workflow_items").order("concurrency, item").pl(),
            settings=dict(settings.select("key", "value").rows()),
        )


@contextmanager
def sizing_database(tables: dict[str, pl.DataFrame], settings: pl.DataFrame) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database with the given sweep tables, empty ones for the rest, and the macros of sizing."""
    from flows.database.connection import connect, load_tables
    from transforms.tables.contracts import empty_frame

    frames = {name: tables.get(name, empty_frame(name)) for name in SWEEP_TABLES}
    with connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        load_tables(connection, {**frames, "sizing_settings": settings, "sizing": empty_frame("sizing")}, with_comments=False)
        run_sql(connection, "sizing/settings.sql")
        run_sql(connection, "sizing/sizing_setting.sql")
        create_formulas(connection)
        yield connection


def create_formulas(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the macros of sizing that need no table."""
    for name in _FORMULAS:
        run_sql(connection, f"sizing/macros/{name}.sql")


def complete_measurements(connection: duckdb.DuckDBPyConnection) -> None:
    """Add to the table measurements of a sizing database what its other tables say: figures of every measured concurrency."""
    run_sql(connection, "sizing/measurements.sql")
    run_sql(connection, "sizing/imported_percentiles.sql")
