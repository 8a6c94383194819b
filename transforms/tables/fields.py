"""Every column of every table by its name. The same quantity in the same unit has the same name in every table.

A column is declared in `transforms.columns`, once, and only named by the tables. Types are DuckDB's names; GiB is 2^30 bytes.
"""

from __future__ import annotations

from transforms.columns.answer import ANSWER_COLUMNS
from transforms.columns.field import Field
from transforms.columns.formula import FORMULA_COLUMNS
from transforms.columns.machine import MACHINE_COLUMNS
from transforms.columns.model import MODEL_COLUMNS, QUANTIZABLE_GROUPS, TENSOR_GROUPS
from transforms.columns.setting import SETTING_COLUMNS
from transforms.columns.sizing import SIZING_COLUMNS
from transforms.columns.star import STAR_COLUMNS

__all__ = ["FIELDS", "QUANTIZABLE_GROUPS", "SUBJECTS", "TENSOR_GROUPS", "Field"]

SUBJECTS: tuple[dict[str, Field], ...] = (
    MODEL_COLUMNS,
    MACHINE_COLUMNS,
    SETTING_COLUMNS,
    ANSWER_COLUMNS,
    FORMULA_COLUMNS,
    SIZING_COLUMNS,
    STAR_COLUMNS,
)
"""The columns of each subject; no two declare the same name."""

FIELDS: dict[str, Field] = {name: field for subject in SUBJECTS for name, field in subject.items()}
