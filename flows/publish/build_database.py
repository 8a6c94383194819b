"""The published database: facts, catalogs and the computed grid in one file of recommendations that answers alone.

The grid is computed bucket by bucket (`flows.estimate.grid`) and arrives as files, so memory does not grow with the
architectures. What is computed is SQL in `sql/`; this file only says what runs in which order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from flows.database.connection import connect, create_macros, files_in_order, load_tables, transaction
from flows.database.sql_files import run_sql
from flows.estimate.bucket import MACHINES, BucketFiles, add_buckets
from flows.estimate.grid import compute_grid
from transforms.tables import contracts

NEEDED = ("models", "architectures", "layer_groups", *contracts.CATALOG_TABLES)
"""Tables that the database is computed from; `parameter_groups` and `rejects` are in it beside them when given."""

_OFFERS = ("architecture_offers", "architecture_recommendations", {"policy": "vllm"})
"""The view of what is published of the table that has more, and whose rules its rows follow."""


def build_database(
    path: Path, tables: dict[str, pl.DataFrame], computed: Sequence[BucketFiles] | None = None, with_comments: bool = True
) -> None:
    """Make the recommendations database at `path` (which must not exist).

    Args:
        path: the file to make.
        tables: facts and catalogs, by name.
        computed: the files of the grid's buckets; without them the grid is computed and not kept.
        with_comments: whether tables and columns say in the file what they are; nobody reads it in one made for a question.

    Raises ContractError when a table is missing or breaks its contract.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists already: a database is built from nothing, never over another")
    missing = [name for name in NEEDED if name not in tables]
    if missing:
        raise contracts.ContractError(f"the database lacks {', '.join(missing)}")
    connection = connect(path)
    try:
        with transaction(connection):
            load_tables(connection, tables, with_comments=False)
            create_macros(connection)
            prepare_machines(connection)
            create_empty(connection, "layouts")
            run_sql(connection, "machines/layouts.sql")
        create_empty(connection, "architecture_recommendations")
        with _buckets(tables, computed) as buckets:
            add_buckets(connection, buckets)
        with transaction(connection):
            connection.execute(contracts.duckdb_view_statement(*_OFFERS))
            for name in files_in_order("published"):
                run_sql(connection, name)
            if with_comments:
                absent = {*contracts.FACT_TABLES} - tables.keys() | {"changes"}
                comment_on(connection, (name for name in contracts.DATABASE_TABLES if name not in absent))
        connection.execute("checkpoint")
    finally:
        connection.close()


def prepare_machines(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of machines, their layouts and their offers, which every estimate of the grid starts from."""
    for name in ("machines/hardware", "machines/hardware_shapes", *MACHINES, "machines/offers"):
        run_sql(connection, f"{name}.sql")


def create_empty(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Create a table as it is declared, without rows, in place of one of its name."""
    connection.execute(contracts.duckdb_table_statement(table))


def comment_on(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> None:
    """Say in the database what these tables and views are, and each of their columns."""
    for table in tables:
        connection.execute(";\n".join(contracts.duckdb_comment_statements(table)))


@contextmanager
def _buckets(tables: dict[str, pl.DataFrame], computed: Sequence[BucketFiles] | None) -> Iterator[Sequence[BucketFiles]]:
    if computed is not None:
        yield computed
        return
    with tempfile.TemporaryDirectory(prefix="shapefit-") as directory:
        yield compute_grid(Path(directory), tables).buckets
