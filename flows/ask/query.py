"""`shapefit query`: SQL over the published tables."""

from __future__ import annotations

from pathlib import Path

from flows.database.errors import one_line
from flows.printing.rows import Rows
from flows.versions.versions import open_version, require_latest


class QueryError(ValueError):
    """The SQL cannot be run on the published tables."""


def query(sql: str, data: Path) -> Rows:
    """The rows of a SQL query over the latest published version.

    The connection is read-only and reaches nothing outside the database file. Raises QueryError with DuckDB's own words on one
    line, and NotPublishedError where nothing is published.
    """
    import duckdb

    with open_version(require_latest(data)) as connection:
        try:
            cursor = connection.execute(sql)
            if cursor is None:
                raise QueryError('there is no statement in the query: try `shapefit query "show tables"`')
            columns = tuple(column[0] for column in cursor.description or ())
            return Rows(columns, cursor.fetchall() if columns else [])
        except (duckdb.Error, RuntimeError) as error:
            raise QueryError(one_line(str(error))) from error
