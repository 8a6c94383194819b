"""Every table of shapefit by its name, and what follows from its declaration.

Parquet and Polars schemas, DuckDB tables and comments, validation and the published data dictionary all come from here.
Tables are declared in the files beside this one, a file a stage; their columns in `transforms.columns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from transforms.tables.catalog_tables import CATALOGS
from transforms.tables.crawled_tables import FACTS, LAKE
from transforms.tables.crawled_tables import NOT_READ as NOT_READ
from transforms.tables.fields import FIELDS
from transforms.tables.formula_tables import FORMULAS
from transforms.tables.published_tables import PUBLISHED
from transforms.tables.sizing_tables import SIZING
from transforms.tables.star_tables import STAR
from transforms.tables.table import Table, names

POLARS_TYPES: dict[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "BIGINT": pl.Int64(),
    "INTEGER": pl.Int32(),
    "DOUBLE": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
    "DATE": pl.Date(),
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
    "VARCHAR[]": pl.List(pl.String()),
    "MAP(VARCHAR, DOUBLE)": pl.List(pl.Struct({"key": pl.String(), "value": pl.Float64()})),
}


class ContractError(ValueError):
    """A frame breaks its table's contract; the message names the table, the column and the first offender."""


def checked(tables: Iterable[Table], fields: Mapping[str, object]) -> dict[str, Table]:
    """Tables by name. Raises ContractError where a name or column is declared twice or a column not at all."""
    found: dict[str, Table] = {}
    for table in tables:
        unknown = [column for column in (*table.columns, *table.key, *table.sorted_by) if column not in fields]
        if unknown:
            raise ContractError(f"{table.name}: columns without a declaration: {', '.join(unknown)}")
        if not {*table.key, *table.sorted_by} <= set(table.columns):
            raise ContractError(f"{table.name}: its key or order names what is not among its columns")
        if table.name in found or len(set(table.columns)) < len(table.columns):
            raise ContractError(f"{table.name}: declared twice, or a column of it")
        found[table.name] = table
    return found


TABLES: dict[str, Table] = checked((*LAKE, *FACTS, *CATALOGS, *PUBLISHED, *FORMULAS, *SIZING, *STAR), FIELDS)
FACT_TABLES: tuple[str, ...] = names(FACTS)
CATALOG_TABLES: tuple[str, ...] = names(CATALOGS)
STAR_TABLES: tuple[str, ...] = names(STAR)
EXPORTED_TABLES: tuple[str, ...] = names(table for table in (*PUBLISHED, *FACTS, *CATALOGS) if table.exported)

READER_TABLES: tuple[str, ...] = names((*PUBLISHED, *FACTS, *CATALOGS))
"""Tables and views of the published database that are for readers."""
DATABASE_TABLES: tuple[str, ...] = (*READER_TABLES, *names(FORMULAS))
"""Everything that a reader finds in the published database."""


def tables_to_parquet() -> tuple[Table, ...]:
    """Computed tables that a version has as files too."""
    return tuple(table for table in PUBLISHED if table.to_parquet)


def polars_schema(table: str) -> pl.Schema:
    """The Polars schema of a table: column names and types in order."""
    return pl.Schema({column: POLARS_TYPES[FIELDS[column].type] for column in TABLES[table].columns})


def empty_frame(table: str) -> pl.DataFrame:
    """A frame of a table's schema without rows."""
    return pl.DataFrame(schema=polars_schema(table))


def frame_of(table: str, rows: Iterable[dict[str, object]]) -> pl.DataFrame:
    """Rows (dictionaries by column name) as a frame of a table's schema; missing entries are null."""
    return pl.DataFrame(list(rows), schema=polars_schema(table), orient="row")


def conform(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the table's columns, order and types, checked against its contract.

    Raises ContractError when a column is missing, a type does not convert, a key repeats or a null stands where none may.
    """
    schema = polars_schema(table)
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        raise ContractError(f"{table}: missing columns {', '.join(missing)}")
    try:
        frame = frame.select(pl.col(column).cast(dtype) for column, dtype in schema.items())
    except pl.exceptions.PolarsError as error:
        raise ContractError(f"{table}: {str(error).splitlines()[0]}") from error
    declared = TABLES[table]
    for column in schema:
        if column not in declared.nullable and frame[column].null_count():
            row = frame[column].is_null().arg_true()[0]
            raise ContractError(f"{table}: {column} is empty in row {row}, which its contract forbids")
    repeated = frame.select(declared.key).is_duplicated()
    if repeated.any():
        row = frame.select(declared.key).row(repeated.arg_true()[0])
        raise ContractError(f"{table}: key {', '.join(declared.key)} repeats: {row}")
    return frame


def duckdb_table_statement(table: str) -> str:
    """The statement that creates a table without rows, in place of one of its name, from its declaration."""
    declared = TABLES[table]
    columns = (
        f'"{column}" {FIELDS[column].type}' + ("" if column in declared.nullable else " not null") for column in declared.columns
    )
    return f'create or replace table "{table}" ({", ".join(columns)})'


def duckdb_view_statement(view: str, table: str, constants: Mapping[str, str]) -> str:
    """The statement that creates a view of those columns of a table that the view declares, some the same text in every row.

    Args:
        view: the declared view.
        table: the table that has its columns.
        constants: the text of each column that the table lacks.
    """
    columns = (f'{quoted(constants[name])} as "{name}"' if name in constants else f'"{name}"' for name in TABLES[view].columns)
    return f'create or replace view "{view}" as select {", ".join(columns)} from "{table}"'


def duckdb_comment_statements(table: str) -> list[str]:
    """The `comment on` statements of a table or view and its columns, from the declarations."""
    declared = TABLES[table]
    kind = "view" if declared.is_view else "table"
    statements = [f'comment on {kind} "{table}" is {quoted(_row_of(declared))}']
    statements += [f'comment on column "{table}"."{column}" is {quoted(described(column))}' for column in declared.columns]
    return statements


OPENED_BY = "DuckDB 2.0 or newer"
"""What opens the published database: it is in the storage of the DuckDB that writes it, which older clients cannot read."""

PARQUET_BESIDE = "older clients read recommendations.parquet beside it"
"""The way for clients that cannot open the database."""


def data_dictionary(tables: Iterable[str], preface: str = "") -> str:
    """The data dictionary of the given tables as Markdown: each table's row, key, columns, types, units and meanings."""
    heading = [
        "# Data dictionary",
        "",
        "GiB is 2^30 bytes. `null` says whether a column may be empty.",
        "",
        *filter(None, [preface]),
    ]
    return "\n".join([*heading, *(_section(TABLES[name]) for name in tables)])


def database_dictionary() -> str:
    """The data dictionary of the published database: what is for readers first, then what its macros and views read."""
    heading = ["# For the macros and views", "", "What follows is in the database for the macros and views that read it.", ""]
    opened = f"{OPENED_BY} opens recommendations.duckdb; {PARQUET_BESIDE}.\n"
    return "\n".join([data_dictionary(READER_TABLES, opened), *heading, *(_section(table) for table in FORMULAS)])


def _section(table: Table) -> str:
    key = f" Key: {', '.join(table.key)}." if table.key else ""
    lines = [f"## {table.name}", "", f"{_row_of(table)}.{key}{' Computed when asked.' if table.is_view else ''}", ""]
    lines += ["| column | type | unit | null | meaning |", "| --- | --- | --- | --- | --- |"]
    for column in table.columns:
        field = FIELDS[column]
        null = "yes" if column in table.nullable else "no"
        lines.append(f"| {column} | {field.type} | {field.unit} | {null} | {field.meaning} |")
    return "\n".join([*lines, ""])


def described(column: str) -> str:
    """A column's meaning with its unit."""
    field = FIELDS[column]
    return f"{field.meaning} ({field.unit})" if field.unit else field.meaning


def _row_of(table: Table) -> str:
    return f"{'A row is' if table.key else 'The one row is'} {table.row}"


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
