"""The join: extracted architectures and catalogs into one database of recommendations that answers alone.

Architectures are estimated in chunks, so memory does not grow with their number; each chunk's rows are ranked and stored before
the next begins. What is computed is SQL in `sql/`; this file only says what runs in which order.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from flows.database import connect, create_macros, load_tables, run_sql
from transforms import contracts

EXTRACTED = ("models", "architectures", "layer_groups")
"""Extracted tables that the join reads; `parameter_groups` and `rejects` are published beside them when given."""

CHUNK = 48
"""Architectures estimated at once: about a gigabyte at the catalogued machines."""

_MACHINES = ("hardware", "hardware_shapes", "hardware_layouts", "replica_classes", "deployment_classes", "offers")
_CHUNK_STEPS = (
    "chunk_replicas",
    "chunk_scaled_out",
    "chunk_scaled_out_replicas",
    "chunk_choices",
    "chunk_figures",
    "chunk_frontier",
    "chunk_recommendations",
)
_CHUNK_TABLES = ("chunk_replicas", "chunk_scaled_out", "chunk_choices", "chunk_figures", "chunk_frontier")
_RESULTS = ("layout_checks", "fits_of", "fits", "recommendations", "recommend")


@dataclass(frozen=True)
class JoinReport:
    """What a join made: rows by table, seconds by step and how many replicas were estimated."""

    rows: dict[str, int]
    seconds: dict[str, float]
    replicas: int
    total_seconds: float = field(default=0.0)


def build_database(path: Path, tables: dict[str, pl.DataFrame]) -> JoinReport:
    """Make the recommendations database at `path` (which must not exist) from extracted tables and catalogs, by name.

    Raises ContractError when a table is missing or breaks its contract.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists already: a database is built anew, never over another")
    connection = connect(path)
    try:
        report = assemble(connection, tables)
        connection.execute("checkpoint")
    finally:
        connection.close()
    return report


def assemble(connection: duckdb.DuckDBPyConnection, tables: dict[str, pl.DataFrame]) -> JoinReport:
    """Fill an open, empty database with the tables and everything computed from them.

    Raises ContractError when a table is missing or breaks its contract.
    """
    missing = [name for name in (*EXTRACTED, *contracts.CATALOG_TABLES) if name not in tables]
    if missing:
        raise contracts.ContractError(f"the join lacks {', '.join(missing)}")
    started = time.monotonic()
    seconds: dict[str, float] = {}
    replicas = 0
    with _timed(seconds, "load"):
        load_tables(connection, tables)
        create_macros(connection)
    with _timed(seconds, "machines"):
        prepare_machines(connection)
        load_tables(connection, {"layouts": contracts.empty_frame("layouts")})
        run_sql(connection, "tables/layouts.sql")
        run_sql(connection, "tables/architecture_recommendations.sql")
    with staging(connection):
        for keys in _chunks(tables["architectures"]["architecture_key"].sort().to_list()):
            with _timed(seconds, "chunk_shards"):
                run_sql(connection, "tables/chunk_shards.sql", {"architecture_keys": keys})
            for name in _CHUNK_STEPS:
                with _timed(seconds, name):
                    run_sql(connection, f"tables/{name}.sql")
            replicas += count(connection, "chunk_replicas")
    for name in _CHUNK_TABLES:
        connection.execute(f"drop table if exists temp.{name}")
    with _timed(seconds, "results"):
        for name in _RESULTS:
            run_sql(connection, f"results/{name}.sql")
        for statement in contracts.duckdb_comment_statements("recommendations", "view"):
            connection.execute(statement)
    counted = ("models", "architectures", "hardware", "layouts", "architecture_recommendations", "recommendations")
    rows = {name: count(connection, name) for name in counted}
    return JoinReport(rows, seconds, replicas, time.monotonic() - started)


@contextmanager
def staging(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """The schema `staging`, in a file of its own that is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="shapefit-") as directory:
        run_sql(connection, "tables/chunk_staging.sql", {"path": str(Path(directory) / "staging.duckdb")})
        try:
            yield
        finally:
            connection.execute("detach staging")


def prepare_machines(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of machines, their layouts and their offers, which every estimate of the grid starts from."""
    for name in _MACHINES:
        run_sql(connection, f"tables/{name}.sql")


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of a table or view."""
    return connection.table(table).aggregate("count(*)").fetchall()[0][0]


def _chunks(keys: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(keys), CHUNK):
        yield keys[first : first + CHUNK]


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    seconds[step] = seconds.get(step, 0.0) + time.monotonic() - begun
