"""DuckDB for shapefit: connections with bounded memory, tables by contract, and every macro and view of `sql/`.

Each file of `sql/macros`, `sql/policies` and `sql/views` defines the one macro or view whose name is the file's; they are created
in the order in which they need each other, so a file can simply use another's name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import duckdb
import polars as pl

from flows.database.settings import SETTINGS
from transforms.tables import contracts

MEMORY_LIMIT = "3GB"
"""Memory that one connection may use before it spills beside its file; leaves room for Python within 4 GiB."""

_CALL = re.compile(r"([a-z_0-9]+)\(")
_WORD = re.compile(r"[a-z_0-9]+")
_COMMENT = re.compile(r"--[^\n]*")
_READ = re.compile(r"\b(?:from|join)\s+([a-z_0-9]+)")


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
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "threads": str(threads or os.cpu_count() or 1),
        "preserve_insertion_order": "false",
        **SETTINGS,
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


def create_macros(connection: duckdb.DuckDBPyConnection, used_by: Sequence[str] | None = None) -> None:
    """Create the macros of `sql/macros` and `sql/policies` and the views of `sql/views`, which need no computed table.

    Those that these texts use, directly or through others, or all of them. The tables that they name must exist (empty ones will
    do): those of every catalog and of the extracted architectures.
    """
    for text in definitions() if used_by is None else definitions_used_by(used_by):
        connection.execute(text)


def tables_used_by(texts: Sequence[str], names: Iterable[str]) -> list[str]:
    """Which of the tables of these names the texts read, themselves or through macros and views."""
    words = {word for text in (*texts, *definitions_used_by(texts)) for word in _WORD.findall(_COMMENT.sub("", text))}
    return [name for name in names if name in words]


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One transaction around many statements: into a file, each alone would be written through to the disk.

    A statement that fails leaves it open, to be rolled back as the connection is closed.
    """
    connection.begin()
    yield
    connection.commit()


def definitions() -> tuple[str, ...]:
    """The texts of macros and views, each after the macros that it calls and the views that it names."""
    return tuple(definition.text for definition in _definitions().values())


@cache
def files_in_order(folder: str) -> tuple[str, ...]:
    """The files of a folder of `sql/`, each after those whose tables, views and macros it reads, as `run_sql` takes them.

    Each makes the one object of its name.
    """
    texts = {file.name.removesuffix(".sql"): _COMMENT.sub("", file.read_text(encoding="utf-8")) for file in _sql_files(folder)}
    needs = {
        name: [used for used in sorted({*_READ.findall(text), *_CALL.findall(text)}) if used in texts and used != name]
        for name, text in texts.items()
    }
    return tuple(f"{folder}/{name}.sql" for name in TopologicalSorter(needs).static_order())


def definitions_used_by(texts: Sequence[str]) -> tuple[str, ...]:
    """Those of the definitions that the texts use, directly or through others, in their order."""
    known = _definitions()
    wanted: set[str] = set()
    waiting = [name for text in texts for name in _used(text, known)]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting.extend(known[name].needs)
    return tuple(definition.text for name, definition in known.items() if name in wanted)


@dataclass(frozen=True)
class _Definition:
    """One macro or view: its statement, whether it is called or named, and what it needs."""

    text: str
    is_view: bool
    needs: tuple[str, ...] = ()


@cache
def _definitions() -> dict[str, _Definition]:
    """Every definition by name, each after those that it needs."""
    found = {
        file.name.removesuffix(".sql"): _Definition(file.read_text(encoding="utf-8"), is_view=folder == "views")
        for folder in ("macros", "policies", "views")
        for file in _sql_files(folder)
    }
    needs = {name: [used for used in _used(each.text, found) if used != name] for name, each in found.items()}
    return {name: replace(found[name], needs=tuple(needs[name])) for name in TopologicalSorter(needs).static_order()}


def _used(text: str, known: Mapping[str, _Definition]) -> list[str]:
    """The macros that a text calls and the views that it names; sorted, for computed files are named by their order too."""
    bare = _COMMENT.sub("", text)
    called, named = set(_CALL.findall(bare)), set(_WORD.findall(bare))
    return sorted(name for name, each in known.items() if name in (named if each.is_view else called))


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
