"""Every SQL file binds in DuckDB against the tables that the join makes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

SQL = Path(__file__).parents[2] / "sql"
CREATED = ("macros", "policies", "views", "machines", "published")
"""Folders whose files the join has run when the fixture is made."""
READ = sorted((SQL / "checks").glob("*.sql"))


def test_the_join_has_run_every_file(joined: duckdb.DuckDBPyConnection) -> None:
    macros = {name for (name,) in joined.sql("select function_name from duckdb_functions() where not internal").fetchall()}
    relations = {
        name
        for query in ("select table_name from duckdb_tables()", "select view_name from duckdb_views() where not internal")
        for (name,) in joined.sql(query).fetchall()
    }
    made = {path.stem for folder in CREATED for path in (SQL / folder).rglob("*.sql")}
    assert made - macros - relations == set()


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_a_query_binds(joined: duckdb.DuckDBPyConnection, path: Path) -> None:
    assert joined.sql(path.read_text()).columns


@pytest.mark.parametrize("path", sorted(SQL.rglob("*.sql")), ids=lambda path: str(path.relative_to(SQL)))
def test_a_file_starts_by_saying_what_it_is(path: Path) -> None:
    assert path.read_text().startswith("-- ")
