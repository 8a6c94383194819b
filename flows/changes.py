"""What differs from the version before: written into the new version's database before it is published."""

from __future__ import annotations

from pathlib import Path

import duckdb

from flows.sql_files import sql_text
from transforms import contracts

_COMPARED = ("models", "shapes", "prices", "recommendations")


def write_changes(connection: duckdb.DuckDBPyConnection, before: Path | None) -> dict[str, int]:
    """Create and fill the table `changes` of an open, writable database and count its rows by kind.

    `before` is the directory of the version before; the first version, and one after a version without the compared files, has
    an empty table.
    """
    connection.execute(contracts.duckdb_table_statement("changes"))
    for statement in contracts.duckdb_comment_statements("changes"):
        connection.execute(statement)
    files = {name: before / f"{name}.parquet" for name in _COMPARED} if before else {}
    if not files or not all(path.is_file() for path in files.values()):
        return {}
    connection.execute(sql_text("publish/changes.sql"), {name: str(path) for name, path in files.items()})
    return dict(connection.execute(sql_text("publish/changes_by_kind.sql")).fetchall())
