"""The texts of the `sql` room; apart from the database, so that asking needs neither Polars nor the macros."""

from __future__ import annotations

from functools import cache
from pkgutil import get_data


@cache
def sql_text(name: str) -> str:
    """The text of a file of `sql/`, by its path below it. Raises FileNotFoundError."""
    data = get_data("sql", name)
    if data is None:
        raise FileNotFoundError(f"the package sql has no loader that reads {name}")
    return data.decode()
