"""One declaration yields the Polars schema, the DuckDB table, its comments, validation and the data dictionary."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from transforms.tables.contracts import (
    OPENED_BY,
    TABLES,
    ContractError,
    checked,
    conform,
    data_dictionary,
    database_dictionary,
    duckdb_comment_statements,
    duckdb_table_statement,
    duckdb_view_statement,
    empty_frame,
    frame_of,
    polars_schema,
)
from transforms.tables.fields import FIELDS, SUBJECTS
from transforms.tables.table import table, without

ROOT = Path(__file__).parents[3]
REJECT = {"model_id": "a/b", "code": "no_config", "message": "no config.json", "fetched_at": "2026-11-20T00:00:00"}


def reject_frame(*changes: dict[str, object]) -> pl.DataFrame:
    rows = [{**REJECT, **change} for change in changes or ({},)]
    return pl.DataFrame(rows).with_columns(pl.col("fetched_at").str.to_datetime(time_unit="us", time_zone="UTC"))


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_made_and_commented_in_duckdb(name: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(duckdb_table_statement(name))
        assert connection.table(name).columns == list(polars_schema(name))
        assert empty_frame(name).columns == list(TABLES[name].columns)
        if TABLES[name].is_view:
            connection.execute(f"alter table {name} rename to stored; create view {name} as from stored")
        connection.execute(";".join(duckdb_comment_statements(name)))
        uncommented = "from duckdb_columns() select count(*) where comment is null and table_name = ?"
        assert connection.execute(uncommented, [name]).fetchall() == [(0,)]


def test_conform_orders_and_types_columns() -> None:
    frame = conform("rejects", reject_frame().select(reversed(TABLES["rejects"].columns)))
    assert frame.schema == polars_schema("rejects")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (reject_frame().drop("code"), "missing columns code"),
        (reject_frame({"code": None}), "code is empty in row 0"),
        (reject_frame({}, {}), "key model_id repeats"),
        (reject_frame().with_columns(fetched_at=pl.lit("yesterday")), "rejects: "),
    ],
    ids=["column", "null", "key", "type"],
)
def test_conform_names_what_breaks_the_contract(frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        conform("rejects", frame)


def test_frame_of_fills_missing_entries_with_null() -> None:
    frame = frame_of("prices", [{"provider": "oci", "shape": "VM", "price_kind": "spot", "source": "list"}])
    assert frame["usd_per_hour"].null_count() == 1
    assert frame.schema == polars_schema("prices")


def test_data_dictionary_describes_every_column() -> None:
    text = data_dictionary(TABLES)
    for name, declared in TABLES.items():
        assert f"## {name}" in text
        assert all(f"| {column} | {FIELDS[column].type} |" in text for column in declared.columns)


def test_units_stand_in_names() -> None:
    """A column measured in GiB, ms, dollars per hour or tokens per second says so in its name."""
    suffixes = {
        "GiB": "_gib",
        "ms": "_ms",
        "USD/h": "usd_per_hour",
        "tokens/s": "tokens_per_s",
        "bytes": "bytes",
        "GB/s": "gb_per_s",
    }
    for name, field in FIELDS.items():
        if field.unit in suffixes:
            assert suffixes[field.unit] in name, f"{name} is in {field.unit}"


def test_a_mark_behind_a_column_says_that_it_may_be_null() -> None:
    declared = table("t", "one\n    thing", "provider usd_per_hour? note?", "provider")
    assert (declared.columns, declared.nullable) == (("provider", "usd_per_hour", "note"), {"usd_per_hour", "note"})
    assert declared.row == "one thing"
    assert without("provider usd_per_hour? note?", "usd_per_hour") == "provider note?"


def test_files_are_ordered_by_the_key_unless_declared_otherwise() -> None:
    assert table("t", "a thing", "provider shape", "provider shape").order == ("provider", "shape")
    assert table("t", "a thing", "provider shape", "provider", sorted_by="shape").order == ("shape",)


@pytest.mark.parametrize(
    ("columns", "key", "message"),
    [
        ("provider no_such_column", "provider", "without a declaration: no_such_column"),
        ("provider shape", "gpu", "not among its columns"),
        ("provider provider", "provider", "declared twice"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(columns: str, key: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        checked([table("t", "a thing", columns, key)], FIELDS)


def test_a_column_is_declared_once() -> None:
    assert len(FIELDS) == sum(map(len, SUBJECTS))


def test_a_view_of_declared_columns_has_them_in_order() -> None:
    """With a column of one text between them, as `policy` stands in the offers."""
    with duckdb.connect() as connection:
        connection.execute(duckdb_table_statement("architecture_recommendations"))
        connection.execute(duckdb_view_statement("architecture_offers", "architecture_recommendations", {"policy": "it's"}))
        assert tuple(connection.table("architecture_offers").columns) == TABLES["architecture_offers"].columns


def test_the_dictionary_says_which_duckdb_opens_the_database_and_what_older_clients_read() -> None:
    preface = database_dictionary().partition("## ")[0]
    assert f"{OPENED_BY} opens recommendations.duckdb" in preface and "recommendations.parquet" in preface
    requirement = next(
        line.strip(' ",') for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.strip().startswith('"duckdb')
    )
    assert f"DuckDB {requirement.removeprefix('duckdb>=')} or newer" == OPENED_BY
    assert OPENED_BY in (ROOT / "README.md").read_text()


def test_the_dictionary_of_the_database_has_helpers_last() -> None:
    text = database_dictionary()
    assert text.index("## rejects") < text.index("# For the macros and views") < text.index("## hardware")
    assert "The one row is the settings of the default policy." in text
