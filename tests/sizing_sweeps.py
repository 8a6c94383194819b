"""Sweeps to fit: the sizing document's own table, with items of two passes that have just those percentiles, and others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

import polars as pl

from flows.lake.catalogs import load_catalogs
from flows.size.fit import FittedSweep, SizingTargets, fit_sweep
from transforms.tables.contracts import frame_of

CONCURRENCIES = (1, 2, 4, 8, 16, 32)
P95_LATENCIES = (1.14981, 1.3591, 1.50682, 2.10668, 3.30196, 6.57847)
P95_RUNTIMES = (4.03488, 4.71197, 5.67581, 7.90895, 12.677, 24.5307)
TOTALS = (8.06977, 9.32298, 11.1683, 15.6193, 25.3173, 43.9806)


def sweep_tables(
    concurrencies: Sequence[int],
    runtimes: Sequence[float | None],
    latencies: Sequence[float | None] | None = None,
    interrupted: Sequence[int] = (),
    passes: int = 0,
) -> dict[str, pl.DataFrame]:
    """The tables of one sweep; with `passes`, items that all take the p95 time."""
    measurements, items = [], []
    for index, concurrency in enumerate(concurrencies):
        latency, runtime = latencies[index] if latencies else None, runtimes[index]
        measurements.append(
            {
                "run": "r",
                "concurrency": concurrency,
                "p95_llm_latency_s": latency,
                "p95_workflow_runtime_s": runtime,
                "workflow_interrupted": concurrency in interrupted,
            }
        )
        items += [
            {
                "run": "r",
                "concurrency": concurrency,
                "pass_number": (number - 1) // concurrency + 1,
                "item": number,
                "dataset_item": str(number),
                "workflow_runtime_s": runtime,
                "llm_latency_s": latency,
                "request_status": "ok",
            }
            for number in range(1, passes * concurrency + 1)
        ]
    sweep = {"run": "r", "run_group": "r", "sweep_source": "csv", "started_at": datetime(2026, 11, 20, tzinfo=UTC)}
    return {
        "sweeps": frame_of("sweeps", [sweep]),
        "measurements": frame_of("measurements", measurements),
        "workflow_items": frame_of("workflow_items", items),
    }


@cache
def settings() -> pl.DataFrame:
    """The catalog's own settings of the fit."""
    return load_catalogs()["sizing_settings"]


def fit(tables: dict[str, pl.DataFrame], targets: SizingTargets) -> FittedSweep:
    """The fit with the catalog's own settings."""
    return fit_sweep(tables, targets, settings())


def runtime_fit(fitted: FittedSweep) -> dict[str, object]:
    """The row of `sizing` for the workflow runtime."""
    return fitted.sizing.filter(metric="workflow_runtime").row(0, named=True)
