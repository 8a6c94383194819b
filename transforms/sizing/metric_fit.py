"""A row of the table `sizing` as Python computes with it."""

from __future__ import annotations

from typing import TypedDict


class MetricFit(TypedDict):
    """The fit of one metric: seconds, users at once and GPUs; None for what it does not give.

    Columns mean what `transforms.tables.fields` says of them.
    """

    metric: str
    target_s: float | None
    target_users: int | None
    test_gpu_count: float | None
    points: int
    outliers: str
    slope_s: float | None
    intercept_s: float | None
    r_squared: float | None
    required_concurrency: float | None
    proven_concurrency: int | None
    line_gpus: float | None
    knee_concurrency: float | None
    knee_base_s: float | None
    knee_slope_s: float | None
    knee_r_squared: float | None
    knee_gpus: float | None
    fit: str | None
    gpus: float | None
    gpus_low: float | None
    gpus_high: float | None
    whole_gpus: int | None
    proven_gpus: float | None
    gpus_per_replica: int
    sizing_status: str
