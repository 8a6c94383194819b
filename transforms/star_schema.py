"""The star schema of the export: which key points to which table, and its PostgreSQL form, from the tables' declarations."""

from __future__ import annotations

from collections.abc import Iterable

from transforms.contracts import STAR_TABLES, TABLES, data_dictionary
from transforms.fields import FIELDS

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

    Tables of the same names are dropped first, so that one transaction can replace last night's by tonight's.
    """
    statements = [f"drop table if exists {', '.join(reversed(STAR_TABLES))};"]
    for name in STAR_TABLES:
        statements += [_table_statement(name), *_comment_statements(name)]
    return (
        "-- The star schema of shapefit for PostgreSQL; load.sql runs this file and loads the CSV files.\n"
        + "\n".join(statements)
        + "\n"
    )


def postgres_load(files: Iterable[tuple[str, str]]) -> str:
    """The psql script that makes the star schema and loads it, all or nothing: run it in the directory of the files.

    Args: table and CSV file name, dimensions before facts.
    """
    lines = ["-- Run in this directory: psql -d DATABASE -f load.sql", "\\set ON_ERROR_STOP on", "begin;", "\\i schema.sql"]
    lines += [f"\\copy {table} from '{file}' with (format csv, header match)" for table, file in files]
    return "\n".join([*lines, "commit;", f"analyze {', '.join(STAR_TABLES)};"]) + "\n"


def _table_statement(name: str) -> str:
    table = TABLES[name]
    lines = []
    for column in table.columns:
        null = "" if column in table.nullable else " not null"
        lines.append(f"    {column} {POSTGRES_TYPES[FIELDS[column].type]}{null}")
    lines.append(f"    primary key ({', '.join(table.key)})")
    lines += [f"    foreign key ({column}) references {target}" for column, target in REFERENCES.get(name, {}).items()]
    return f"create table {name} (\n" + ",\n".join(lines) + "\n);"


def _comment_statements(name: str) -> list[str]:
    table = TABLES[name]
    statements = [f"comment on table {name} is {_quoted(f'A row is {table.row}.')};"]
    for column in table.columns:
        field = FIELDS[column]
        meaning = f"{field.meaning} ({field.unit})" if field.unit else field.meaning
        statements.append(f"comment on column {name}.{column} is {_quoted(meaning)};")
    return statements


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
