"""One bucket of the grid, computed in a database of its own from nothing but what is handed over: on this machine or another.

Two stages, so that a new price leaves the estimates alone:

    figures   memory and speed of each architecture on each kind of machine, in the best layouts; one file for each accelerator
    ranks     prices, ranks and the frontier over all accelerators and every shape, checked; one file, which names no figure again

What a stage reads is what its `BucketWork` holds, so that a key over it says all that the result depends on.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import polars as pl

from flows.database.connection import connect, create_macros, load_tables, tables_used_by
from flows.database.sql_files import run_sql, sql_text
from flows.estimate.kept_files import KeptFiles
from flows.estimate.row_checks import check_rows, check_texts
from transforms.tables import contracts

MEMORY_LIMIT = "1500MB"
"""Memory that one bucket may use before it spills: two at a time stay within 4 GiB."""

MACHINES = ("machines/hardware_layouts", "machines/replica_classes", "machines/deployment_classes")
FIGURES = (
    "estimate/bucket_shards",
    "estimate/bucket_replicas",
    "estimate/bucket_scaled_out",
    "estimate/bucket_scaled_out_replicas",
    "estimate/bucket_choices",
    "estimate/bucket_figures",
)
RANKS = ("estimate/bucket_frontier", "estimate/bucket_ranks", "estimate/bucket_recommendations")
"""The steps of the stages, files of `sql/`."""


@dataclass(frozen=True)
class BucketWork:
    """One bucket to be computed at one stage, with all that it follows from: plain data, for any process on any machine.

    Attributes:
        stage: figures or ranks.
        bucket: the bucket's first architecture, its name in logs.
        lake: where the results are kept.
        keys: what the results are kept under: by accelerator for figures, one (by the name of the stage) for ranks.
        tables: the tables to read by name, by contract or, for hardware and offers, as the machines of the grid are.
        figures: the files of the bucket's figures, for ranks.
        threads: processors to use; None for all.
    """

    stage: str
    bucket: str
    lake: Path
    keys: dict[str, str]
    tables: dict[str, pl.DataFrame]
    figures: tuple[Path, ...] = ()
    threads: int | None = None


@dataclass(frozen=True)
class BucketFiles:
    """The files of a bucket whose stages are both computed: its figures, one for each accelerator, and its ranks."""

    figures: tuple[Path, ...]
    ranks: Path


@dataclass(frozen=True)
class BucketResult:
    """The results of a bucket: its files by key, their rows, and the seconds of each step."""

    stage: str
    files: dict[str, Path]
    rows: int
    seconds: dict[str, float]


def compute_bucket(work: BucketWork) -> BucketResult:
    """Compute one stage of one bucket and keep its results. Raises PublishError when rows offend a check of `sql/checks`."""
    seconds: dict[str, float] = {}
    with _database(work) as (connection, directory):
        with timed(seconds, "load"):
            _load(connection, work)
        compute = _figures if work.stage == "figures" else _ranks
        files, rows = compute(connection, work, directory, seconds)
    return BucketResult(work.stage, files, rows, seconds)


def _figures(
    connection: duckdb.DuckDBPyConnection, work: BucketWork, directory: Path, seconds: dict[str, float]
) -> tuple[dict[str, Path], int]:
    for name in MACHINES:
        run_sql(connection, f"{name}.sql")
    run_sql(connection, "estimate/bucket_staging.sql", {"path": str(directory / "staging.duckdb")})
    for name in FIGURES:
        if name == "estimate/bucket_scaled_out_replicas" and not count(connection, "bucket_scaled_out"):
            continue  # where one machine is enough: planning it takes longer than all that a small bucket computes
        with timed(seconds, name):
            run_sql(connection, f"{name}.sql")
    connection.execute("detach staging")
    kept, files = KeptFiles(work.lake, "figures"), {}
    with timed(seconds, "write_figures"):
        for gpu, key in work.keys.items():
            files[key] = kept.write(key, partial(_copy, connection, "estimate/write_figures.sql", gpu=gpu))
    return files, count(connection, "bucket_figures")


def _ranks(
    connection: duckdb.DuckDBPyConnection, work: BucketWork, _: Path, seconds: dict[str, float]
) -> tuple[dict[str, Path], int]:
    with timed(seconds, "read_figures"):
        run_sql(connection, "estimate/read_figures.sql", {"paths": [str(path) for path in work.figures]})
    for name in RANKS:
        with timed(seconds, name):
            run_sql(connection, f"{name}.sql")
    with timed(seconds, "checks"):
        connection.table("bucket_recommendations").create_view("architecture_recommendations")
        check_rows(connection)
    (key,) = work.keys.values()
    with timed(seconds, "write_ranks"):
        file = KeptFiles(work.lake, "ranks").write(key, partial(_copy, connection, "estimate/write_ranks.sql"))
    return {key: file}, count(connection, "bucket_ranks")


def add_buckets(connection: duckdb.DuckDBPyConnection, buckets: Sequence[BucketFiles]) -> None:
    """Add the rows of computed buckets to the connection's table architecture_recommendations."""
    for files in buckets:
        connection.read_parquet([str(path) for path in files.figures]).create_view("bucket_figures")
        connection.read_parquet(str(files.ranks)).create_view("bucket_ranks")
        run_sql(connection, "estimate/bucket_recommendations.sql")
        run_sql(connection, "estimate/add_recommendations.sql")
        run_sql(connection, "estimate/forget_bucket.sql")


def _copy(connection: duckdb.DuckDBPyConnection, name: str, path: Path, **parameters: object) -> None:
    run_sql(connection, name, {"path": str(path), **parameters})


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of a table or view."""
    return connection.table(table).aggregate("count(*)").fetchall()[0][0]


@contextmanager
def _database(work: BucketWork) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A database in memory and a directory beside it, both gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="shapefit-") as name:
        directory = Path(name)
        with connect(memory_limit=MEMORY_LIMIT, threads=work.threads, spill=directory / "spill") as connection:
            yield connection, directory


def _load(connection: duckdb.DuckDBPyConnection, work: BucketWork) -> None:
    """The work's tables, empty ones in place of the others that its steps are made over, and the macros that they use."""
    texts = step_texts(*(*MACHINES, *FIGURES) if work.stage == "figures" else RANKS)
    if work.stage == "ranks":
        texts += check_texts()
    declared = [*contracts.CATALOG_TABLES, "models", "architectures", "layer_groups"]
    read = tables_used_by(texts, declared)
    load_tables(connection, {name: work.tables.get(name, contracts.empty_frame(name)) for name in read}, with_comments=False)
    for name in work.tables.keys() - set(declared):
        connection.from_arrow(work.tables[name].to_arrow()).create(name)
    create_macros(connection, used_by=texts)


def step_texts(*names: str) -> list[str]:
    """The texts of steps, files of `sql/`."""
    return [sql_text(f"{name}.sql") for name in names]


@contextmanager
def timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Add the seconds that the block takes to those of a step."""
    begun = time.monotonic()
    yield
    seconds[step] = seconds.get(step, 0.0) + time.monotonic() - begun
