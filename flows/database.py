"""DuckDB for shapefit: connections with bounded memory, tables by contract, and every macro and view of `sql/`.

Each file of `sql/macros`, `sql/policies` and `sql/views` defines the one macro or view whose name is the file's; they are created
in the order in which they need each other, so a file can simply use another's name.
"""

from __future__ import annotations

import os
import re
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import duckdb
import polars as pl

from flows.sql_files import sql_text
from transforms import contracts

MEMORY_LIMIT = "3GB"
"""Memory that one connection may use before it spills beside its file; leaves room for Python within 4 GiB."""

_CALL = re.compile(r"([a-z_0-9]+)\(")
_WORD = re.compile(r"[a-z_0-9]+")
_COMMENT = re.compile(r"--[^\n]*")


def connect(
    path: Path | None = None,
    read_only: bool = False,
    memory_limit: str = MEMORY_LIMIT,
    threads: int | None = None,
    spill: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """A connection to a database file (None: in memory) that keeps within memory and processors (None: all of the machine).

    Row order of results is not kept unless a query orders them; what does not fit in memory spills into `spill`, by default
    beside the file.
    """
    settings = {
        "memory_limit": memory_limit,
        "threads": str(threads or os.cpu_count() or 1),
        "preserve_insertion_order": "false",
        # DuckDB 2.0 joins dictionaries by reference, and its cache of small chunks fails when a join that spills changes them.
        "enable_caching_operators": "false",
    }
    if spill is None and path is not None:
        spill = path.parent / f".{path.name}.tmp"
    if spill is not None:
        settings["temp_directory"] = str(spill)
    return duckdb.connect(":memory:" if path is None else str(path), read_only=read_only, config=settings)


def load_tables(connection: duckdb.DuckDBPyConnection, frames: dict[str, pl.DataFrame], with_comments: bool = True) -> None:
    """Create the tables of the frames' names, per contract and with comments, and insert the frames.

    Raises ContractError when a frame breaks its table's contract.
    """
    for name, frame in frames.items():
        connection.execute(contracts.duckdb_table_statement(name))
        insert_table(connection, name, frame)
        for statement in contracts.duckdb_comment_statements(name) if with_comments else ():
            connection.execute(statement)


def insert_table(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Insert a frame into the table of its name. Raises ContractError when it breaks the table's contract."""
    connection.from_arrow(contracts.conform(name, frame).to_arrow()).insert_into(name)


def create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the macros of `sql/macros` and `sql/policies` and the views of `sql/views`, which need no computed table.

    The tables of every catalog and of the extracted architectures must exist (empty ones will do).
    """
    for text in definitions():
        connection.execute(text)


def run_sql(
    connection: duckdb.DuckDBPyConnection, name: str, params: dict[str, object] | None = None
) -> duckdb.DuckDBPyConnection:
    """Run a file of `sql/` (a path below it, as `tables/layouts.sql`), its `$name` parameters bound to `params`."""
    return connection.execute(sql_text(name), params) if params else connection.execute(sql_text(name))


@cache
def definitions() -> tuple[str, ...]:
    """The texts of macros and views, each after the macros that it calls and the views that it names."""
    named = {
        folder: {file.name.removesuffix(".sql") for file in _sql_files(folder)} for folder in ("macros", "policies", "views")
    }
    texts = {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for folder in named for file in _sql_files(folder)}
    needs: dict[str, list[str]] = {}  # in order, not as sets: the texts' order is part of what a computed file is named by
    for name, text in texts.items():
        bare = _COMMENT.sub("", text)
        used = set(_CALL.findall(bare)) & (named["macros"] | named["policies"]) | set(_WORD.findall(bare)) & named["views"]
        needs[name] = sorted(used - {name})
    return tuple(texts[name] for name in TopologicalSorter(needs).static_order())


def _sql_files(folder: str) -> list[Traversable]:
    """The SQL files below a folder of `sql/`, by path."""
    found: list[Traversable] = []
    waiting = [files("sql").joinpath(folder)]
    while waiting:
        for entry in sorted(waiting.pop().iterdir(), key=lambda item: item.name):
            if entry.is_dir():
                waiting.append(entry)
            elif entry.name.endswith(".sql"):
                found.append(entry)
    return found
