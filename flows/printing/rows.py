"""Rows as the command line prints them: a table to read, JSON, CSV that a spreadsheet opens safely, or Markdown.

Rows are plain Python tuples, so that a command which asks DuckDB need not load a frame library first.
"""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TextIO

from flows.system.whole_file import write_whole

if TYPE_CHECKING:
    import polars as pl

Format = Literal["table", "json", "csv", "markdown"]
FileFormat = Literal["table", "json", "csv", "markdown", "parquet"]

_FORMAT_OF_SUFFIX: dict[str, FileFormat] = {
    ".csv": "csv",
    ".json": "json",
    ".md": "markdown",
    ".txt": "table",
    ".parquet": "parquet",
}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_EMPTY = "–"


class OutputError(ValueError):
    """The answer cannot be written where or how it was asked for."""


@dataclass(frozen=True)
class Rows:
    """An answer: column names and one tuple of values a row."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column name; what type a value has is said by the query that it comes from."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def rows_of_frame(frame: pl.DataFrame) -> Rows:
    """A Polars frame as rows."""
    return Rows(tuple(frame.columns), frame.rows())


def rows_of_records(records: Sequence[Mapping[str, object]], columns: Sequence[str] | None = None) -> Rows:
    """Dictionaries as rows, with the given columns or those of the first record."""
    names = tuple(columns if columns is not None else (records[0] if records else ()))
    return Rows(names, [tuple(record.get(name) for name in names) for record in records])


def emit(answer: Rows, form: Format | None, output: Path | None = None, title: str | None = None) -> None:
    """Print the rows to standard output, or write them to `output` in the form its extension names.

    `title` is a line above the table; the machine-readable forms leave it out. Raises OutputError for an extension that names
    no form.
    """
    if output is not None:
        write_file(answer, output)
        return
    if title and (form or "table") == "table":
        sys.stdout.write(f"{title}\n")
    write_rows(answer, form or "table", sys.stdout)


def write_file(answer: Rows, path: Path) -> None:
    """Write the rows to a file (.csv, .json, .md, .txt or .parquet), whole or not at all. Raises OutputError."""
    form = form_of(path)
    if form == "parquet":
        import polars as pl

        frame = pl.DataFrame(answer.rows, schema=list(answer.columns), orient="row", infer_schema_length=None)
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        write_whole(path, buffer.getvalue())
        return
    text = io.StringIO(newline="")
    write_rows(answer, form, text)
    write_whole(path, text.getvalue().encode())


def form_of(path: Path) -> FileFormat:
    """The form that a file's extension names. Raises OutputError when it names none."""
    form = _FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if form is None:
        raise OutputError(f"cannot tell the format of {path}: end its name in {', '.join(_FORMAT_OF_SUFFIX)}")
    return form


def write_rows(answer: Rows, form: Format, stream: TextIO) -> None:
    """Write the rows to a text stream in the given form."""
    if form == "json":
        write_object(answer.records(), stream)
    elif form == "csv":
        _write_csv(answer, stream)
    elif form == "markdown":
        _write_markdown(answer, stream)
    else:
        _write_table(answer, stream)


def write_object(value: object, stream: TextIO | None = None) -> None:
    """Write one JSON document (dates as ISO text, numbers that JSON lacks as null); of a list of flat records each has a line."""
    out = stream or sys.stdout
    if isinstance(value, dict):
        members = ",\n".join(f"  {json.dumps(str(name), ensure_ascii=False)}: {_member(entry)}" for name, entry in value.items())
        out.write(f"{{\n{members}\n}}\n")
    else:
        out.write(f"{_member(value, '')}\n")


def spreadsheet_safe(text: str) -> str:
    """The text with a leading apostrophe where a spreadsheet would otherwise run it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def plain_number(value: float) -> str:
    """The shortest decimal text that reads back as the same float, never in scientific notation."""
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


def csv_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its text cells made harmless for spreadsheets and no numbers that CSV cannot hold."""
    import polars as pl

    text, real = pl.selectors.string(), pl.selectors.float()
    return frame.with_columns(
        pl.when(text.str.contains(r"^[=+\-@\t\r\n]")).then(pl.lit("'") + text).otherwise(text).name.keep(),
        pl.when(real.is_finite()).then(real).name.keep(),
    )


def write_csv_frame(frame: pl.DataFrame, stream: IO[bytes], header: bool = True) -> None:
    """Write a frame as CSV by the same rules as `write_rows`, without a Python step per row.

    Text is always quoted, but for the header: readers that guess the dialect from the first rows would else miss quotes that
    come later.
    """
    if header:
        csv_frame(frame.clear()).write_csv(stream)
    csv_frame(frame).write_csv(
        stream, include_header=False, float_scientific=False, datetime_format="%Y-%m-%dT%H:%M:%SZ", quote_style="non_numeric"
    )


def _write_csv(answer: Rows, stream: TextIO) -> None:
    import csv

    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([spreadsheet_safe(name) for name in answer.columns])
    writer.writerows([_csv_cell(value) for value in row] for row in answer.rows)


def _csv_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return plain_number(value) if math.isfinite(value) else ""
    if isinstance(value, Decimal):
        return format(value, "f")
    return spreadsheet_safe(_text(value))


def _write_markdown(answer: Rows, stream: TextIO) -> None:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells) + " |\n"

    numeric = _numeric_columns(answer)
    stream.write(line(_printable(name) for name in answer.columns))
    stream.write("| " + " | ".join("---:" if right else "---" for right in numeric) + " |\n")
    for row in answer.rows:
        stream.write(line(shown(value, name) for value, name in zip(row, answer.columns, strict=True)))


def _write_table(answer: Rows, stream: TextIO) -> None:
    """Columns padded to one width; where the terminal is too narrow the last columns are left out, and a line says so."""
    if not answer.rows:
        stream.write("no rows\n")
        return
    body = [[shown(value, name) for value, name in zip(row, answer.columns, strict=True)] for row in answer.rows]
    heads = [_printable(name) for name in answer.columns]
    widths = [max(len(heads[i]), *(len(row[i]) for row in body)) for i in range(len(heads))]
    room = _terminal_columns() if stream.isatty() else None
    shown_columns = _fitting(widths, room)
    right = _numeric_columns(answer)

    def line(cells: Sequence[str]) -> str:
        padded = (cells[i].rjust(widths[i]) if right[i] else cells[i].ljust(widths[i]) for i in range(shown_columns))
        return "  ".join(padded).rstrip() + "\n"

    stream.write(line(heads))
    stream.write("  ".join("─" * width for width in widths[:shown_columns]) + "\n")
    stream.writelines(line(row) for row in body)
    if shown_columns < len(heads):
        left_out = ", ".join(heads[shown_columns:])
        stream.write(f"not shown for want of width: {left_out} (--format csv or json has them)\n")


def _terminal_columns() -> int:
    from shutil import get_terminal_size

    return get_terminal_size().columns


def _fitting(widths: Sequence[int], room: int | None) -> int:
    used = 0
    for index, width in enumerate(widths):
        used += width + (2 if index else 0)
        if room is not None and used > room and index:
            return index
    return len(widths)


def _numeric_columns(answer: Rows) -> list[bool]:
    def numeric(index: int) -> bool:
        values = [row[index] for row in answer.rows if row[index] is not None]
        return bool(values) and all(isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in values)

    return [numeric(index) for index in range(len(answer.columns))]


def shown(value: object, column: str = "") -> str:
    """A value as a person reads it: thousands separated, as many digits as mean something, no control characters."""
    if value is None:
        return _EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, float):
        return _shown_float(value, column)
    return _printable(_text(value))


def _shown_float(value: float, column: str) -> str:
    if not math.isfinite(value):
        return _EMPTY
    size = abs(value)
    if "usd" in column or "$" in column:
        return f"{value:,.2f}" if size >= 0.1 or size == 0 else f"{value:.4f}"
    if column.endswith("count"):
        return f"{value:,g}"
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.1f}"
    if size >= 1 or size == 0:
        return f"{value:.2f}"
    return format(Decimal(f"{value:.3g}"), "f")


def _text(value: object) -> str:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + ("Z" if value.tzinfo else "")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict | tuple):
        return json.dumps(_json_value(value), ensure_ascii=False)
    return str(value)


def _printable(text: str) -> str:
    """The text on one line, without anything that a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)


def _member(value: object, margin: str = "  ") -> str:
    """A value as JSON text; its lines after the first begin with the margin. Records of plain values take a fast way."""
    records = value if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value) else []
    if records and not {type(entry) for record in records for entry in record.values()} & {dict, list, tuple}:
        lines = ",\n".join(f"{margin}  {_flat(record)}" for record in records)
        return f"[\n{lines}\n{margin}]"
    return json.dumps(_json_value(value), indent=2, ensure_ascii=False).replace("\n", f"\n{margin}")


def _flat(record: dict[str, object]) -> str:
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False, default=_json_value)
    except ValueError:
        return json.dumps(_json_value(record), ensure_ascii=False)


def _json_value(value: object) -> object:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(key): _json_value(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(entry) for entry in value]
    return _text(value)
