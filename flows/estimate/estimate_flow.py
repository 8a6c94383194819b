"""The grid on Prefect: each bucket is a task, on this machine or on a Dask cluster, whichever a setting names.

    SHAPEFIT_RUNNER     threads (default), dask (workers of this machine, started for the run), or a scheduler as tcp://host:8786
    SHAPEFIT_WORKERS    buckets at once on this machine (default 2), each with up to 1.5 GB of memory

Results come back through the lake, which every worker must reach under the same path. A bucket whose worker dies is computed
again by another: a file is complete or absent, and what is named alike is alike.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from flows.prefect_runtime import settings  # noqa: F401 - sets Prefect up: before Prefect itself

# isort: split
from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.database.errors import one_line
from flows.estimate.bucket import BucketResult, BucketWork, compute_bucket
from flows.estimate.grid import Grid, compute_grid
from flows.estimate.row_checks import DISK_ERRORS, PublishError, check_facts
from flows.extract.extract import read_extracted
from flows.lake.catalogs import load_catalogs
from flows.lake.lake import Lake
from flows.prefect_runtime.retries import worth_retrying

RUNNER, WORKERS = "SHAPEFIT_RUNNER", "SHAPEFIT_WORKERS"

_DEFAULT_WORKERS = 2
"""Most of a bucket's steps keep one processor busy; two buckets take 3 GB at most."""


class RunnerError(ValueError):
    """The setting names no way to compute; the message says which there are."""


def estimate_grid(data: str, full: bool) -> Grid:
    """Compute the buckets of the grid that the lake lacks, on the task runner that the environment names.

    Raises RunnerError, and PublishError when rows offend a check, the disk fails or the cluster does not answer.
    """
    runner = cast("TaskRunner[PrefectFuture[Any]]", task_runner())  # what Prefect's signature asks for; any runner will do
    return estimate.with_options(task_runner=runner)(data, full)


def task_runner() -> TaskRunner[Any]:
    """The task runner that the environment names. Raises RunnerError."""
    name = os.environ.get(RUNNER, "threads")
    if name == "threads":
        return ThreadPoolTaskRunner(max_workers=workers())
    if name != "dask" and "://" not in name:
        raise RunnerError(f"{RUNNER}={name}: name threads, dask, or a Dask scheduler as tcp://host:8786")
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError:
        raise RunnerError(f"{RUNNER}={name} needs prefect-dask: pip install 'shapefit[cluster]'") from None
    if name != "dask":
        return DaskTaskRunner(address=name)
    own = {"n_workers": workers(), "threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
    return DaskTaskRunner(cluster_kwargs=own)


def workers() -> int:
    """How many buckets are computed at once on this machine. Raises RunnerError."""
    given = os.environ.get(WORKERS, str(_DEFAULT_WORKERS))
    if not given.isdecimal() or int(given) < 1:
        raise RunnerError(f"{WORKERS}={given}: a number of buckets to compute at once is needed, 1 or more")
    return int(given)


@flow(name="estimate", flow_run_name="estimate {data}", retries=0, validate_parameters=False)
def estimate(data: str, full: bool) -> Grid:
    """Architectures and catalogs → the grid's files in the lake."""
    lake = Lake(Path(data))
    tables = check_facts({**read_extracted(lake), **load_catalogs(data=Path(data))})
    try:
        grid = compute_grid(lake.directory, tables, full, _as_tasks)
    except DISK_ERRORS as error:
        raise PublishError(f"the grid cannot be computed in {data}: {one_line(str(error))}") from error
    get_run_logger().info("grid: %s", grid.report)
    return grid


def _as_tasks(works: Sequence[BucketWork]) -> Iterable[BucketResult]:
    threads = max(1, (os.cpu_count() or 1) // workers()) if os.environ.get(RUNNER, "threads") == "threads" else 1
    futures = [compute_one.submit(replace(work, threads=threads)) for work in works]
    return [future.result() for future in futures]


@task(
    task_run_name="{work.stage} {work.bucket}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=worth_retrying,
    cache_policy=NO_CACHE,
)
def compute_one(work: BucketWork) -> BucketResult:
    """One stage of one bucket."""
    return compute_bucket(work)
