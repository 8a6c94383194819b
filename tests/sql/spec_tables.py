"""Specifications drawn as small text tables: facts left of `||`, the figures they must give right of it.

architecture | tp || weights_gib_per_gpu
llama-3.1-8b | 1  || 14.96
"""

from __future__ import annotations

import math
from collections.abc import Callable


def read_spec(text: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    """The rows of a drawn table as (facts, expected figures), both by column name; blank cells are left out."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    heads = [_cells(part) for part in lines[0].split("||")]
    rows = []
    for line in lines[1:]:
        parts = [_cells(part) for part in line.split("||")]
        named = [
            {head: cell for head, cell in zip(names, cells, strict=True) if cell}
            for names, cells in zip(heads, parts, strict=True)
        ]
        rows.append((named[0], named[1]))
    return rows


def agrees(expected: str, found: object) -> bool:
    """Whether a figure is the expected one to its written digits (a text: exactly)."""
    if expected in ("null", "true", "false"):
        return {"null": None, "true": True, "false": False}[expected] is found
    try:
        number = float(expected)
    except ValueError:
        return expected == found
    if not isinstance(found, (int, float)):
        return False
    digits = len(expected.partition(".")[2])
    return math.isclose(number, float(found), abs_tol=0.5 * 10**-digits + 1e-9)


def disagreements(
    spec: str, answer: Callable[[list[dict[str, str]]], list[dict[str, object]]], share: float = 0.0
) -> list[tuple[dict[str, str], str, object]]:
    """Every figure of a drawn table that the answers do not give: facts, column and what was found instead.

    `answer` maps the facts of all rows to their answers, in order; `share` is how far a number may be off beyond its digits.
    """
    rows = read_spec(spec)
    wrong = []
    for (facts, expected), found in zip(rows, answer([facts for facts, _ in rows]), strict=True):
        for column, figure in expected.items():
            near = share and math.isclose(float(figure), float(str(found[column])), rel_tol=share)
            if not near and not agrees(figure, found[column]):
                wrong.append((facts, column, found[column]))
    return wrong


def _cells(part: str) -> list[str]:
    return [cell.strip() for cell in part.split("|")]
