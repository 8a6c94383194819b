"""The join: extracted architectures, catalogs and the computed grid into one database of recommendations that answers alone.

The grid is computed bucket by bucket (`flows.estimate.grid`) and arrives as files, so memory does not grow with the
architectures. What is computed is SQL in `sql/`; this file only says what runs in which order.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from flows.database.connection import connect, create_macros, load_tables, transaction
from flows.database.sql_files import run_sql
from flows.estimate.bucket import MACHINES, BucketFiles, add_buckets, count, timed
from flows.estimate.grid import compute_grid
from transforms.tables import contracts

EXTRACTED = ("models", "architectures", "layer_groups")
"""Extracted tables that the join reads; `parameter_groups` and `rejects` are published beside them when given."""

_RESULTS = (
    "layout_checks",
    "fits_of",
    "fits",
    "publication",
    "architecture_offers",
    "recommendations",
    "recommend",
    "architecture_best_shapes",
    "best_shapes",
    "policy_comparison",
)


@dataclass(frozen=True)
class JoinReport:
    """What a join made: rows by table and seconds by step."""

    rows: dict[str, int]
    seconds: dict[str, float]
    total_seconds: float


def build_database(
    path: Path, tables: dict[str, pl.DataFrame], computed: Sequence[BucketFiles] | None = None, with_comments: bool = True
) -> JoinReport:
    """Make the recommendations database at `path` (which must not exist).

    Args:
        path: the file to make.
        tables: extracted tables and catalogs, by name.
        computed: the files of the grid's buckets; without them the grid is computed and not kept.
        with_comments: whether tables and columns say in the file what they are; nobody reads it in one made for a question.

    Raises ContractError when a table is missing or breaks its contract.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists already: a database is built anew, never over another")
    connection = connect(path)
    try:
        report = assemble(connection, tables, computed, with_comments)
        connection.execute("checkpoint")
    finally:
        connection.close()
    return report


def assemble(
    connection: duckdb.DuckDBPyConnection,
    tables: dict[str, pl.DataFrame],
    computed: Sequence[BucketFiles] | None = None,
    with_comments: bool = True,
) -> JoinReport:
    """Fill an open, empty database with the tables and the grid.

    Raises ContractError when a table is missing or breaks its contract.
    """
    missing = [name for name in (*EXTRACTED, *contracts.CATALOG_TABLES) if name not in tables]
    if missing:
        raise contracts.ContractError(f"the join lacks {', '.join(missing)}")
    started = time.monotonic()
    seconds: dict[str, float] = {}
    with timed(seconds, "load"), transaction(connection):
        load_tables(connection, tables, with_comments)
        create_macros(connection)
    with timed(seconds, "machines"), transaction(connection):
        prepare_machines(connection)
        load_tables(connection, {"layouts": contracts.empty_frame("layouts")})
        run_sql(connection, "machines/layouts.sql")
    with timed(seconds, "grid"), _computed(tables, computed) as buckets:
        run_sql(connection, "published/architecture_recommendations.sql")
        add_buckets(connection, buckets)
    with timed(seconds, "results"), transaction(connection):
        for name in _RESULTS:
            run_sql(connection, f"published/{name}.sql")
        for name in ("recommendations", "best_shapes") if with_comments else ():
            for statement in contracts.duckdb_comment_statements(name, "view"):
                connection.execute(statement)
    counted = ("models", "architectures", "hardware", "layouts", "architecture_recommendations")
    return JoinReport({name: count(connection, name) for name in counted}, seconds, time.monotonic() - started)


def prepare_machines(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of machines, their layouts and their offers, which every estimate of the grid starts from."""
    for name in ("machines/hardware", "machines/hardware_shapes", *MACHINES, "machines/offers"):
        run_sql(connection, f"{name}.sql")


@contextmanager
def staging(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """The schema `staging`, in a file of its own that is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="shapefit-") as directory:
        run_sql(connection, "estimate/bucket_staging.sql", {"path": str(Path(directory) / "staging.duckdb")})
        try:
            yield
        finally:
            connection.execute("detach staging")


@contextmanager
def _computed(tables: dict[str, pl.DataFrame], computed: Sequence[BucketFiles] | None) -> Iterator[Sequence[BucketFiles]]:
    if computed is not None:
        yield computed
        return
    with tempfile.TemporaryDirectory(prefix="shapefit-") as directory:
        yield compute_grid(Path(directory), tables).buckets
