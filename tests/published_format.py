"""The published format as text: every column that readers build on, one a line, in order.

A changed column breaks whoever reads it, so the format is frozen in `published_format.txt` and changed only on purpose:

    python -m tests.published_format        writes the file from the declarations; then note the change in CHANGELOG.md
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from transforms.tables.contracts import READER_TABLES, STAR_TABLES, TABLES
from transforms.tables.fields import FIELDS

FROZEN = Path(__file__).with_suffix(".txt")


def published_format() -> str:
    """The tables and views of the published database that are for readers, and the star schema of the export.

    A line is table.column, its type, `null` where it may be empty, `key` where it is part of the key.
    """
    return "\n".join(line for name in (*READER_TABLES, *STAR_TABLES) for line in _lines(name)) + "\n"


def _lines(name: str) -> Iterator[str]:
    table = TABLES[name]
    for column in table.columns:
        marks = ("null" if column in table.nullable else "", "key" if column in table.key else "")
        yield " ".join((f"{name}.{column}", FIELDS[column].type, *filter(None, marks)))


if __name__ == "__main__":
    FROZEN.write_text(published_format(), encoding="utf-8")
