"""One declaration yields the Polars schema, the DuckDB table, its comments, validation and the data dictionary."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from transforms.tables.contracts import (
    TABLES,
    ContractError,
    conform,
    data_dictionary,
    duckdb_comment_statements,
    duckdb_table_statement,
    empty_frame,
    frame_of,
    polars_schema,
)
from transforms.tables.fields import FIELDS

REJECT = {"model_id": "a/b", "code": "no_config", "message": "no config.json", "fetched_at": "2026-11-20T00:00:00"}


def reject_frame(*changes: dict[str, object]) -> pl.DataFrame:
    rows = [{**REJECT, **change} for change in changes or ({},)]
    return pl.DataFrame(rows).with_columns(pl.col("fetched_at").str.to_datetime(time_unit="us", time_zone="UTC"))


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_made_and_commented_in_duckdb(table: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(duckdb_table_statement(table))
        for statement in duckdb_comment_statements(table):
            connection.execute(statement)
        connection.register("nothing", empty_frame(table).to_arrow())
        assert connection.table(table).columns == list(polars_schema(table))
        (uncommented,) = connection.execute(
            "from duckdb_columns() select count(*) where comment is null and table_name = ?", [table]
        ).fetchone()
        assert uncommented == 0


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
    for table in TABLES.values():
        assert f"## {table.name}" in text
        assert all(f"| {column} | {FIELDS[column].type} |" in text for column in table.columns)


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
