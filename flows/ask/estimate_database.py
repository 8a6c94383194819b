"""A database in memory that holds some models' facts and every catalog, for questions beyond the published table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import polars as pl

from flows.ask.model_facts import ModelFacts
from flows.database.connection import connect, create_macros, load_tables, tables_used_by
from flows.database.sql_files import sql_text

EVALUATE = "ask/evaluate.sql"
"""What `evaluate` asks of a connection."""


@contextmanager
def estimating(
    facts: ModelFacts, catalogs: dict[str, pl.DataFrame], asks: Sequence[str] | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the models' facts, the catalogs and all macros; gone when the block ends.

    With `asks`, queries of `sql/` by their paths, it holds what they use and no more, and is there sooner.
    """
    tables = {**facts.tables(), **catalogs}
    texts = None if asks is None else [sql_text(name) for name in asks]
    used = tables if texts is None else tables_used_by(texts, tables)
    with connect() as connection:
        load_tables(connection, {name: tables[name] for name in used}, with_comments=False)
        create_macros(connection, used_by=texts)
        yield connection


def evaluate(connection: duckdb.DuckDBPyConnection, configurations: pl.DataFrame) -> pl.DataFrame:
    """What the macro `evaluate` makes of resolved configurations, all at once; columns as `sql/macros` documents them."""
    connection.register("configurations", configurations)
    try:
        return connection.sql(sql_text(EVALUATE)).pl()
    finally:
        connection.unregister("configurations")
