"""A database in memory that holds some models' facts and every catalog, for questions beyond the published table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import polars as pl

from flows.database import connect, create_macros, load_tables
from flows.model_facts import ModelFacts
from flows.sql_files import sql_text


@contextmanager
def estimating(facts: ModelFacts, catalogs: dict[str, pl.DataFrame]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the models' facts, the catalogs and all macros; gone when the block ends."""
    with connect() as connection:
        load_tables(connection, {**facts.tables(), **catalogs}, with_comments=False)
        create_macros(connection)
        yield connection


def evaluate(connection: duckdb.DuckDBPyConnection, configurations: pl.DataFrame) -> pl.DataFrame:
    """What the macro `evaluate` makes of resolved configurations, all at once; columns as `sql/macros` documents them."""
    connection.register("configurations", configurations)
    try:
        return connection.sql(sql_text("ask/evaluate.sql")).pl()
    finally:
        connection.unregister("configurations")
