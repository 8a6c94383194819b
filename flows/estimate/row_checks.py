"""Checks of the tables that a grid is computed from, and of the rows it consists of."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl

from transforms.tables import contracts
from transforms.tables.contracts import ContractError

_NEEDED = (*contracts.FACT_TABLES, *contracts.CATALOG_TABLES)

DISK_ERRORS = (OSError, duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException, pl.exceptions.ComputeError)
"""Errors by which a full or failing disk shows while the grid is computed or a version is built."""


class PublishError(ValueError):
    """A version was not published; the message says which check failed and on what."""


def check_facts(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables a version is built from, each in its contract's form. Raises PublishError."""
    missing = [name for name in _NEEDED if name not in tables]
    if missing:
        raise PublishError(f"tables are missing: {', '.join(missing)}")
    try:
        checked = {name: contracts.conform(name, tables[name]) for name in _NEEDED}
    except ContractError as error:
        raise PublishError(f"a table breaks its contract: {error}") from error
    empty = [name for name in _NEEDED if contracts.TABLES[name].never_empty and checked[name].is_empty()]
    if empty:
        raise PublishError(f"nothing to publish: {', '.join(empty)} without rows")
    return checked


def check_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Check the rows of the table architecture_recommendations by every query of `sql/checks`. Raises PublishError."""
    for name, statement in _checks().items():
        relation = connection.sql(statement)
        offenders = relation.limit(1).fetchall()
        if offenders:
            shown = ", ".join(f"{column}={value}" for column, value in zip(relation.columns, offenders[0], strict=True))
            raise PublishError(f"check {name} failed, first offender: {shown}")


def check_texts() -> list[str]:
    """The queries that rows are checked by."""
    return list(_checks().values())


@cache
def _checks() -> dict[str, str]:
    """Name and text of every query of sql/checks; each returns the rows that offend."""
    room = Path(str(files("sql"))) / "checks"
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(room.glob("*.sql"))}
