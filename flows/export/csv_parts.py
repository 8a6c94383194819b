"""CSV files that a spreadsheet opens whole: no more rows than it shows, and no cell that it would run, cut or turn into a number.

UTF-8 without a byte order mark: PostgreSQL's `header match`, Spark and many scripts take the mark for part of the first column's
name, while ids and figures are ASCII, which Excel reads right either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import polars as pl

from flows.printing.rows import write_csv_frame
from flows.system.whole_file import take_place, temporary_beside

ROWS_PER_FILE = 1_000_000
"""Rows of a file at most: a spreadsheet opens 1,048,576 with the header (Excel specifications and limits)."""

_CELL_CHARACTERS = 32_767
"""Characters of a cell at most (Excel specifications and limits); what is longer would run over into cells of its own."""

_CUT = "… (cut)"

_READ_AS_NUMBER = r"^(\d+[eE][+-]?\d+|0\d+|\d{16,}|\d{1,4}[/-]\d{1,2}([/-]\d{1,4})?)$"
"""Text that a spreadsheet would replace by another number or a date: 12e45, 007, sixteen digits and more, 3/4."""

_CELL_INSIDE = r"(?s)(;|.\t)([=+\-@])"
"""A formula after a separator of other locales: it would begin a cell of its own where a semicolon separates cells."""


def write_csv_parts(
    directory: Path, name: str, frames: Iterable[pl.DataFrame], rows_per_file: int = ROWS_PER_FILE
) -> list[tuple[str, int]]:
    """Write frames of one table as `<name>.csv`, or as `<name>-1.csv`, `<name>-2.csv`, … where one cannot hold all their rows.

    Returns each file's name and rows, in order. The frames hold the columns even where they hold no row. Every part has the
    header and takes its place whole; the first does so only when it is known whether it is the only one.
    """
    written: list[tuple[str, int]] = []
    with ExitStack() as waiting:
        first: Path | None = None
        for number, part in enumerate(_parts(iter(frames), rows_per_file), start=1):
            path = directory / f"{name}-{number}.csv"
            partial = waiting.enter_context(temporary_beside(path))
            with partial.open("wb") as stream:
                rows = 0
                for index, frame in enumerate(part):
                    write_csv_frame(spreadsheet_frame(frame), stream, header=index == 0)
                    rows += frame.height
            written.append((path.name, rows))
            if number == 1:
                first = partial
            else:
                take_place(partial, path)
        if first is not None:
            if len(written) == 1:
                written = [(f"{name}.csv", written[0][1])]
            take_place(first, directory / written[0][0])
    return written


def remove_other_parts(directory: Path, name: str, written: Iterable[str], groups: Iterable[str] = ()) -> None:
    """Remove the files that an earlier export left of a table: whole or numbered, of the table or of one of its groups."""
    kept = set(written)
    named = "|".join(re.escape(group) for group in groups)
    pattern = re.compile(rf"{re.escape(name)}(-({named}))?(-\d+)?\.csv" if named else rf"{re.escape(name)}(-\d+)?\.csv")
    for path in directory.glob(f"{name}*.csv"):
        if pattern.fullmatch(path.name) and path.name not in kept:
            path.unlink(missing_ok=True)


def spreadsheet_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with text that a spreadsheet shows as it is: apostrophes before what it would read as a number, long text cut."""
    text = pl.selectors.string()
    frame = frame.with_columns(text.str.replace_all(_CELL_INSIDE, "${1}'${2}"))
    frame = frame.with_columns(pl.when(text.str.contains(_READ_AS_NUMBER)).then(pl.lit("'") + text).otherwise(text).name.keep())
    room = _CELL_CHARACTERS - len(_CUT) - 1  # one for the apostrophe that a formula gets
    cut = text.str.slice(0, room) + pl.lit(_CUT)
    return frame.with_columns(pl.when(text.str.len_chars() >= _CELL_CHARACTERS).then(cut).otherwise(text).name.keep())


def _parts(frames: Iterator[pl.DataFrame], rows_per_file: int) -> Iterator[Iterator[pl.DataFrame]]:
    """The frames cut into runs of at most `rows_per_file` rows; each run is to be read before the next is asked for."""
    rest: pl.DataFrame | None = next(frames, None)

    def part() -> Iterator[pl.DataFrame]:
        nonlocal rest
        room = rows_per_file
        while rest is not None and room:
            piece, left = rest.head(room), rest.slice(room)
            room -= piece.height
            rest = left if left.height else _next_filled(frames)
            yield piece

    while rest is not None:
        yield part()


def _next_filled(frames: Iterator[pl.DataFrame]) -> pl.DataFrame | None:
    return next((frame for frame in frames if frame.height), None)
