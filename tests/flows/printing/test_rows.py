"""How rows are printed and written."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.printing.rows import (
    OutputError,
    Rows,
    plain_number,
    rows_of_frame,
    spreadsheet_safe,
    write_csv_frame,
    write_file,
    write_rows,
)


def written(answer: Rows, form: str) -> str:
    stream = io.StringIO()
    write_rows(answer, form, stream)
    return stream.getvalue()


ANSWER = Rows(
    ("model_id", "gpus", "usd_per_hour", "fits", "note"),
    [("a/b", 8, 98.32, True, None), ("=cmd|' /C calc'!A0", -1, 1e-7, False, 'x|"y"\nz')],
)


def test_csv_has_a_header_plain_numbers_and_no_formulas() -> None:
    lines = list(csv.reader(io.StringIO(written(ANSWER, "csv"))))
    assert lines[0] == ["model_id", "gpus", "usd_per_hour", "fits", "note"]
    assert lines[1] == ["a/b", "8", "98.32", "true", ""]
    assert lines[2] == ["'=cmd|' /C calc'!A0", "-1", "0.0000001", "false", 'x|"y"\nz']


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    assert spreadsheet_safe(f"{start}1") == f"'{start}1"
    assert spreadsheet_safe(f"a{start}") == f"a{start}"


def test_column_names_are_made_harmless_too() -> None:
    assert written(Rows(("=1+1",), [(1,)]), "csv").splitlines()[0] == "'=1+1"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_plain_and_read_back_the_same(value: float) -> None:
    text = plain_number(value)
    assert "e" not in text.lower()
    assert float(text) == value


def test_a_frame_is_written_as_the_same_csv() -> None:
    frame = pl.DataFrame(
        {
            "text": ["=1", "ok", None, "-x"],
            "real": [1e-7, -2.5, float("nan"), 1e20],
            "whole": [-1, 2, None, 4],
            "flag": [True, None, False, True],
            "day": [date(2026, 1, 2)] * 4,
            "moment": [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)] * 4,
        }
    )
    stream = io.BytesIO()
    write_csv_frame(frame, stream)
    by_rows = list(csv.reader(io.StringIO(written(rows_of_frame(frame), "csv"))))
    by_frame = list(csv.reader(io.StringIO(stream.getvalue().decode())))
    assert by_frame[0] == by_rows[0]
    assert [row[0] for row in by_frame] == [row[0] for row in by_rows]
    assert [row[2:] for row in by_frame] == [row[2:] for row in by_rows]
    assert [row[1] and float(row[1]) for row in by_frame[1:]] == [1e-7, -2.5, "", 1e20]
    assert "e" not in "".join(row[1] for row in by_frame[1:])


def test_json_is_a_list_of_objects_without_numbers_that_json_lacks() -> None:
    answer = Rows(("a", "b", "c", "d"), [(float("nan"), Decimal("2.50"), date(2026, 1, 2), [1, float("inf")])])
    assert json.loads(written(answer, "json")) == [{"a": None, "b": 2.5, "c": "2026-01-02", "d": [1, None]}]


def test_markdown_keeps_its_columns_whatever_the_cells_hold() -> None:
    lines = written(ANSWER, "markdown").splitlines()
    assert lines[1] == "| --- | ---: | ---: | --- | --- |"
    assert len(lines) == 4
    assert 'x\\|"y" z' in lines[3]


def test_the_table_groups_thousands_and_shows_nothing_a_terminal_obeys() -> None:
    text = written(Rows(("model_id", "tokens"), [("a\x1b[2Jb", 1234567), ("c", None)]), "table")
    assert "1,234,567" in text
    assert "\x1b" not in text
    assert "–" in text


class NarrowTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_table_leaves_out_columns_that_the_terminal_has_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = NarrowTerminal()
    write_rows(Rows(("a", "b", "c"), [("x" * 20, "y" * 15, "z" * 20)]), "table", stream)
    lines = stream.getvalue().splitlines()
    assert all(len(line) <= 40 for line in lines[:3])
    assert "not shown for want of width: c" in lines[3]


@pytest.mark.parametrize(
    ("name", "start"), [("x.csv", "model_id,gpus"), ("x.json", "["), ("x.md", "| model_id"), ("x.txt", "model_id")]
)
def test_a_file_takes_the_form_that_its_name_says(tmp_path: Path, name: str, start: str) -> None:
    write_file(ANSWER, tmp_path / "sub" / name)
    assert (tmp_path / "sub" / name).read_text().startswith(start)
    assert [path.name for path in (tmp_path / "sub").iterdir()] == [name]


def test_a_parquet_file_reads_back(tmp_path: Path) -> None:
    write_file(Rows(("a", "b"), [(1, None), (2, "x")]), tmp_path / "x.parquet")
    assert pl.read_parquet(tmp_path / "x.parquet").rows() == [(1, None), (2, "x")]


def test_a_name_that_says_no_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot tell the format"):
        write_file(ANSWER, tmp_path / "x.xlsx")


def test_a_frame_quotes_text_from_the_first_row_on() -> None:
    """A reader that guesses the dialect from the first rows must meet the quotes that a later comma needs."""
    stream = io.BytesIO()
    write_csv_frame(pl.DataFrame({"shape": ["a", "b, c"], "usd_per_hour": [1.5, None]}), stream)
    assert stream.getvalue().decode() == 'shape,usd_per_hour\n"a",1.5\n"b, c",\n'
