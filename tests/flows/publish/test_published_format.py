"""What readers build on: the columns of every published table, frozen, declared, commented, and as DuckDB really has them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest
from published_format import FROZEN, published_format
from published_set import small_published_set

from flows.versions.versions import DATABASE, require_latest
from transforms.tables import contracts
from transforms.tables.fields import FIELDS

pytestmark = pytest.mark.slow(4)

AS_DECLARED = (*contracts.FACT_TABLES, *contracts.CATALOG_TABLES, "architecture_recommendations", "layouts", "changes")
"""Tables that are made by their declaration; the others are what a query gives."""

ASKED_FOR_A_PART = ("fits", "layout_checks", "policy_comparison")
"""Views that are computed as they are asked, for one architecture here."""


@pytest.fixture(scope="module")
def version() -> Path:
    return require_latest(small_published_set())


@pytest.fixture(scope="module")
def database(version: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(version / DATABASE), read_only=True) as connection:
        yield connection


def test_the_published_format_is_the_frozen_one() -> None:
    frozen, now = FROZEN.read_text(encoding="utf-8").splitlines(), published_format().splitlines()
    changed = "\n".join(difflib.unified_diff(frozen, now, "frozen", "declared", lineterm="", n=0))
    assert frozen == now, (
        f"the published format changed, which readers build on:\n{changed}\n"
        "If that is meant, run `python -m tests.published_format` and note it in CHANGELOG.md."
    )


def test_the_database_has_what_is_declared_and_nothing_else(database: duckdb.DuckDBPyConnection) -> None:
    kinds = dict(
        database.execute(
            """select table_name, false from duckdb_tables() where not internal
            union all select view_name, true from duckdb_views() where not internal"""
        ).fetchall()
    )
    assert kinds == {name: contracts.TABLES[name].is_view for name in contracts.DATABASE_TABLES}


@pytest.mark.parametrize("name", contracts.DATABASE_TABLES)
def test_duckdb_has_the_declared_columns(database: duckdb.DuckDBPyConnection, name: str) -> None:
    table = contracts.TABLES[name]
    found = database.execute(
        "select column_name, data_type, is_nullable from duckdb_columns() where table_name = ? order by column_index", [name]
    ).fetchall()
    declared = [(column, FIELDS[column].type.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")) for column in table.columns]
    assert [(column, kind) for column, kind, _ in found] == declared
    if name in AS_DECLARED:
        assert {column for column, _, nullable in found if nullable} == table.nullable


@pytest.mark.parametrize("name", contracts.DATABASE_TABLES)
def test_rows_keep_to_the_declared_key_and_nulls(database: duckdb.DuckDBPyConnection, name: str) -> None:
    table = contracts.TABLES[name]
    rows = database.table(name)
    if name in ASKED_FOR_A_PART:
        ((architecture,),) = database.sql("select min(architecture_key) from models").fetchall()
        rows = rows.filter(duckdb.ColumnExpression("architecture_key") == architecture)
    if name == "fits":
        rows = rows.filter("context = 8192 and provider = 'aws'")
    found = rows.pl()
    assert found.height or name in ("changes", "lmi_instance_table")  # the first version; few shapes
    assert [column for column in table.columns if column not in table.nullable and found[column].null_count()] == []
    assert not found.select(table.key).is_duplicated().any() if table.key else found.height == 1


def test_every_table_view_and_column_says_in_the_database_what_it_is(database: duckdb.DuckDBPyConnection) -> None:
    for query in (
        "select table_name || '.' || column_name from duckdb_columns() where not internal and comment is null",
        "select table_name from duckdb_tables() where not internal and comment is null",
        "select view_name from duckdb_views() where not internal and comment is null",
    ):
        assert database.sql(query).fetchall() == []


def test_the_dictionary_explains_everything_that_the_database_holds(version: Path, database: duckdb.DuckDBPyConnection) -> None:
    sections = (version / "data_dictionary.md").read_text(encoding="utf-8").split("\n## ")[1:]
    explained = {section.splitlines()[0]: section for section in sections}
    for name, column in database.sql("select table_name, column_name from duckdb_columns() where not internal").fetchall():
        assert f"\n| {column} |" in explained[name], f"{name}.{column}"


def test_files_have_the_declared_columns(version: Path) -> None:
    computed = [table.name for table in contracts.tables_to_parquet()]
    for name in (*computed, *contracts.FACT_TABLES, *contracts.CATALOG_TABLES):
        assert pl.read_parquet_schema(version / f"{name}.parquet") == contracts.polars_schema(name), name
    offers = contracts.polars_schema("architecture_offers")
    del offers["architecture_key"]  # the name of the folder
    for file in (version / "architecture_recommendations").glob("*/*.parquet"):
        assert pl.read_parquet_schema(file) == offers


def test_files_are_in_their_declared_order(version: Path) -> None:
    for table in contracts.tables_to_parquet():
        rows = pl.read_parquet(version / f"{table.name}.parquet")
        assert rows.equals(rows.sort(table.order, nulls_last=True, maintain_order=True)), table.name
