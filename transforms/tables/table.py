"""How a table is declared: its columns with what may be null, its key, and what is true of it as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NULLABLE = "?"
"""The mark behind a column's name in a declaration that says it may be null: `usd_per_hour?`."""


@dataclass(frozen=True)
class Table:
    """One table or view.

    Attributes:
        name: its name, everywhere.
        row: what a row is.
        columns: names in order, declared in `transforms.tables.fields`.
        key: columns that no two rows share; none where there is one row only.
        nullable: columns that may be null.
        is_view: whether the published database computes it when it is asked.
        to_parquet: whether a version has this computed table as `<name>.parquet` too; facts and catalogs always are.
        exported: whether `shapefit export` writes it.
        per_model: whether it has rows for each model, which are too many for files where models share architectures.
        of_the_day: whether it says how old something is on the day of publication, so that no two days' are the same.
        never_empty: whether a version without rows of it is refused.
        sorted_by: how its rows are ordered in a file; by default by the key.
        row_group_rows: rows of one row group of its Parquet file; None for DuckDB's usual number.
    """

    name: str
    row: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    nullable: frozenset[str]
    is_view: bool = False
    to_parquet: bool = False
    exported: bool = False
    per_model: bool = False
    of_the_day: bool = False
    never_empty: bool = False
    sorted_by: tuple[str, ...] = ()
    row_group_rows: int | None = None

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that order its rows in a file."""
        return self.sorted_by or self.key


def table(
    name: str,
    row: str,
    columns: str,
    key: str,
    *,
    is_view: bool = False,
    to_parquet: bool = False,
    exported: bool = False,
    per_model: bool = False,
    of_the_day: bool = False,
    never_empty: bool = False,
    sorted_by: str = "",
    row_group_rows: int | None = None,
) -> Table:
    """Declare a table: columns, key and order as names between spaces, columns that may be null marked with `?`."""
    marked = columns.split()
    return Table(
        name,
        " ".join(row.split()),
        tuple(column.removesuffix(NULLABLE) for column in marked),
        tuple(key.split()),
        frozenset(column.removesuffix(NULLABLE) for column in marked if column.endswith(NULLABLE)),
        is_view,
        to_parquet,
        exported,
        per_model,
        of_the_day,
        never_empty,
        tuple(sorted_by.split()),
        row_group_rows,
    )


def without(columns: str, left_out: str) -> str:
    """A declaration's columns without some of them: what another table has of the same."""
    names = left_out.split()
    return " ".join(column for column in columns.split() if column.removesuffix(NULLABLE) not in names)


def names(tables: Iterable[Table]) -> tuple[str, ...]:
    """The names of tables."""
    return tuple(declared.name for declared in tables)
