"""Tables with pipes, as the sizing document prints them."""

from __future__ import annotations

from collections.abc import Sequence


def pipe_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A table with pipes, numbers to six significant digits and aligned at the decimal point, as the document prints it."""
    cells = [[_cell(value) for value in row] for row in rows]
    aligned = []
    for index, name in enumerate(columns):
        column = [row[index] for row in cells]
        if name == "Alerts":
            width = max(len(name), *(len(cell) for cell in column))
            aligned.append([name.ljust(width), *(cell.ljust(width) for cell in column)])
            continue
        decimals = max((len(cell) - cell.index(".") for cell in column if "." in cell), default=0)
        column = [_pad_decimals(cell, decimals) for cell in column]
        width = max(len(name) + 2, *(len(cell) for cell in column)) if column else len(name) + 2
        aligned.append([name.rjust(width), *(cell.rjust(width) for cell in column)])
    lines = ["| " + " | ".join(column[line] for column in aligned) + " |" for line in range(len(rows) + 1)]
    rule = "|" + "|".join("-" * (len(column[0]) + 2) for column in aligned) + "|"
    return [lines[0], rule, *lines[1:]]


def _pad_decimals(cell: str, decimals: int) -> str:
    if not cell:
        return cell
    return cell + " " * (decimals - (len(cell) - cell.index(".") if "." in cell else 0))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return digits(value) if isinstance(value, float) else str(value)


def digits(value: float | None) -> str:
    """A number to six significant digits; a dash for None."""
    return "–" if value is None else f"{float(value):.6g}"
