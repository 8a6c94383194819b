"""The files of the `sql` room, and how one is run; apart from the database, so that asking needs neither Polars nor macros."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pkgutil import get_data
from typing import TYPE_CHECKING

from flows.printing.rows import Rows

if TYPE_CHECKING:
    import duckdb

_PARAMETER = re.compile(r"\$([a-z_0-9]+)")


@cache
def sql_text(name: str) -> str:
    """The text of a file of `sql/`, by its path below it. Raises FileNotFoundError."""
    data = get_data("sql", name)
    if data is None:
        raise FileNotFoundError(f"the package sql has no loader that reads {name}")
    return data.decode()


def run_sql(
    connection: duckdb.DuckDBPyConnection, name: str, params: Mapping[str, object] | None = None
) -> duckdb.DuckDBPyConnection:
    """Run a file of `sql/` (a path below it, as `machines/layouts.sql`), its `$name` parameters bound to those of `params`.

    Parameters that the file does not name are left out, because DuckDB would refuse them: one set of them serves several files.
    """
    text = sql_text(name)
    named = set(_PARAMETER.findall(text))
    bound = {parameter: value for parameter, value in (params or {}).items() if parameter in named}
    return connection.execute(text, bound) if bound else connection.execute(text)


def fetch(connection: duckdb.DuckDBPyConnection, name: str, params: Mapping[str, object] | None = None) -> Rows:
    """The rows of a query file of `sql/`, its parameters bound as by `run_sql`."""
    cursor = run_sql(connection, name, params)
    return Rows(tuple(column[0] for column in cursor.description or ()), cursor.fetchall())
