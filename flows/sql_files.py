"""The texts of the `sql` room; apart from the database, so that asking needs neither Polars nor the macros."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def sql_text(name: str) -> str:
    """The text of a file of `sql/`, by its path below it."""
    return files("sql").joinpath(name).read_text(encoding="utf-8")
