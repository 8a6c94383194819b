"""The star schema of the export: which key points to which table, and its PostgreSQL form, from the tables' declarations."""

from __future__ import annotations

from collections.abc import Iterable

from transforms.tables.contracts import STAR_TABLES, TABLES, data_dictionary, described, quoted
from transforms.tables.fields import FIELDS

REFERENCES: dict[str, dict[str, str]] = {
    "dim_model": {"architecture_id": "dim_architecture"},
    "fact_recommendation": {
        "architecture_id": "dim_architecture",
        "shape_id": "dim_shape",
        "quantization_id": "dim_quantization",
        "kv_dtype_id": "dim_kv_dtype",
        "context": "dim_context",
    },
}
"""By table: each column that points to a dimension, whose key has the same name."""

POSTGRES_TYPES: dict[str, str] = {
    "VARCHAR": "text",
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMPTZ": "timestamptz",
}

BRIDGE = """## How the tables join

`fact_recommendation` points to `dim_architecture`, `dim_shape`, `dim_quantization`, `dim_kv_dtype` and `dim_context`, many
to one, by the column of the same name. It holds each architecture once, however many models share it: that keeps it the size
of the few thousand distinct architectures, not of the hundreds of thousands of models.

`dim_model` points to `dim_architecture` too, many to one: it is the bridge from models to facts. To answer for a model, let
the filter run from `dim_model` through `dim_architecture` to the facts (in Power BI set that one relationship to filter in
both directions; in SQL or Tableau join `dim_model` to `fact_recommendation` by `architecture_id`). Joined that way a fact
row appears once for each model that has the architecture, which is right for a list of models. For sums and counts over
facts leave `dim_model` out, and multiply by `dim_architecture.models` where models are to be counted.

Keys are whole numbers of at most 15 digits, hashes of the natural key that stands beside them: the same every night, so that
nights can be laid side by side, and exact in every tool that counts in floating point. A context length is its own key.

In the CSV files an apostrophe stands before text that a spreadsheet would run as a formula or turn into a number; the
Parquet files have the text as it is.
"""


def star_dictionary() -> str:
    """The data dictionary of the star schema as Markdown, and how its tables join."""
    return data_dictionary(STAR_TABLES) + "\n" + BRIDGE


def postgres_schema() -> str:
    """The DDL that makes the star schema in PostgreSQL: tables with their keys and what every table and column means.

    Tables of the same names are dropped first.
    """
    heading = "-- The star schema of shapefit for PostgreSQL, empty; load.sql makes it and loads the CSV files."
    return "\n".join([heading, *_table_statements(), *_key_statements(), *_comment_statements()]) + "\n"


def postgres_load(files: Iterable[tuple[str, str]]) -> str:
    """The psql script that makes the star schema and loads it, all or nothing: run it in the directory of the files.

    One transaction replaces last night's tables by tonight's. Keys are made after the rows: each is then checked in one pass
    instead of row by row, which takes an eighth of the time. Args: table and CSV file name.
    """
    heading = "-- Makes and loads the star schema of shapefit. Run in this directory: psql -d DATABASE -f load.sql"
    copies = [f"\\copy {table} from '{file}' with (format csv, header match)" for table, file in files]
    before = [heading, "\\set ON_ERROR_STOP on", "set client_min_messages = warning;", "begin;", *_table_statements()]
    after = [*_key_statements(), *_comment_statements(), "commit;", f"analyze {', '.join(STAR_TABLES)};"]
    return "\n".join([*before, *copies, *after]) + "\n"


def _table_statements() -> list[str]:
    statements = [f"drop table if exists {', '.join(reversed(STAR_TABLES))};"]
    for name in STAR_TABLES:
        table = TABLES[name]
        nulls = ("" if column in table.nullable else " not null" for column in table.columns)
        types = (POSTGRES_TYPES[FIELDS[column].type] for column in table.columns)
        columns = (f"    {column} {kind}{null}" for column, kind, null in zip(table.columns, types, nulls, strict=True))
        statements.append(f"create table {name} (\n" + ",\n".join(columns) + "\n);")
    return statements


def _key_statements() -> list[str]:
    statements = [f"alter table {name} add primary key ({', '.join(TABLES[name].key)});" for name in STAR_TABLES]
    for name, references in REFERENCES.items():
        added = ",\n".join(f"    add foreign key ({column}) references {target}" for column, target in references.items())
        statements.append(f"alter table {name}\n{added};")
    return statements


def _comment_statements() -> list[str]:
    statements = []
    for name in STAR_TABLES:
        table = TABLES[name]
        statements.append(f"comment on table {name} is {quoted(f'A row is {table.row}.')};")
        for column in table.columns:
            statements.append(f"comment on column {name}.{column} is {quoted(described(column))};")
    return statements
