"""How a column is declared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One column's type (DuckDB's name), meaning, and unit (empty for labels and plain counts)."""

    type: str
    meaning: str
    unit: str = ""
