"""CSV files open in a spreadsheet as they are meant: whole, nothing run, nothing turned into another number."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from flows.export.csv_parts import remove_other_parts, write_csv_parts


def written(directory: Path, frame: pl.DataFrame) -> list[list[str]]:
    """The cells of a frame's CSV file as a reader of CSV sees them, without the header."""
    write_csv_parts(directory, "table", [frame])
    with (directory / "table.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))[1:]


def batches(*heights: int) -> Iterator[pl.DataFrame]:
    first = 0
    for height in heights:
        yield pl.DataFrame({"n": range(first, first + height)}, schema={"n": pl.Int64})
        first += height


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ((0,), [("table.csv", 0)]),
        ((3,), [("table.csv", 3)]),
        ((4,), [("table.csv", 4)]),
        ((2, 2, 0), [("table.csv", 4)]),
        ((5,), [("table-1.csv", 4), ("table-2.csv", 1)]),
        ((3, 0, 3, 3), [("table-1.csv", 4), ("table-2.csv", 4), ("table-3.csv", 1)]),
        ((12,), [("table-1.csv", 4), ("table-2.csv", 4), ("table-3.csv", 4)]),
    ],
)
def test_no_file_has_more_rows_than_fit(heights: tuple[int, ...], expected: list[tuple[str, int]], tmp_path: Path) -> None:
    assert write_csv_parts(tmp_path, "table", batches(*heights), rows_per_file=4) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(name for name, _ in expected)
    read = [line for name, _ in expected for line in (tmp_path / name).read_text().splitlines() if line != "n"]
    assert read == [str(n) for n in range(sum(heights))]


def test_parts_of_an_earlier_export_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("fits.csv", "fits-1.csv", "fits-aws.csv", "fits-on-prem-2.csv", "fits-of-mine.csv", "fits_too.csv"):
        (tmp_path / name).touch()
    remove_other_parts(tmp_path, "fits", ["fits-1.csv"], ["aws", "on-prem"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fits-1.csv", "fits-of-mine.csv", "fits_too.csv"]


FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", '=HYPERLINK("http://x","y")', "=cmd|'/c calc'!A1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_of_strangers_is_never_a_formula(text: str, tmp_path: Path) -> None:
    ((cell,),) = written(tmp_path, pl.DataFrame({"license": [text]}))
    assert cell == f"'{text}"


def test_no_formula_begins_behind_the_separator_of_another_locale(tmp_path: Path) -> None:
    """Where a semicolon separates cells, a spreadsheet cuts lines there, quoted or not."""
    write_csv_parts(tmp_path, "table", [pl.DataFrame({"model_id": ["a/b"], "base_model": ["x;=1+1\t@y"]})])
    for cell in (tmp_path / "table.csv").read_text().splitlines()[1].replace("\t", ";").split(";"):
        assert not cell.startswith(("=", "+", "-", "@"))


def test_negative_numbers_stay_numbers(tmp_path: Path) -> None:
    assert written(tmp_path, pl.DataFrame({"free_gib_per_gpu": [-1.5], "n": [-3]})) == [["-1.5", "-3"]]


@pytest.mark.parametrize(
    "key", ["12345678901234e5", "1e300", "0012345678901234", "1234567890123456", "12/24", "2024-11-20", "1/2/24"]
)
def test_keys_that_look_like_numbers_or_dates_are_kept_as_text(key: str, tmp_path: Path) -> None:
    assert written(tmp_path, pl.DataFrame({"architecture_key": [key]})) == [[f"'{key}"]]


@pytest.mark.parametrize(
    "text", ["02f6e724a442e0e7", "Qwen/Qwen2.5-7B-Instruct", "01-ai/Yi-34B", "8.0", "a1e5", "p5.48xlarge", "x; -y"]
)
def test_other_text_is_left_as_it_is(text: str, tmp_path: Path) -> None:
    assert written(tmp_path, pl.DataFrame({"text": [text]})) == [[text]]


def test_numbers_are_plain_decimals(tmp_path: Path) -> None:
    frame = pl.DataFrame({"value": [1e-7, 1.5e16, 0.1, 12345678.9, float("nan"), float("inf"), None]})
    write_csv_parts(tmp_path, "table", [frame])
    cells = (tmp_path / "table.csv").read_text().splitlines()[1:]
    assert [float(cell) if cell else None for cell in cells] == [1e-7, 1.5e16, 0.1, 12345678.9, None, None, None]
    assert all("e" not in cell.lower() and "," not in cell for cell in cells)


def test_quotes_commas_line_breaks_and_letters_beyond_ascii_come_back_as_they_went(tmp_path: Path) -> None:
    texts = ['say "hi"', "a,b", "two\nlines", "Größe – 模型", " spaces ", "null", "NA"]
    assert written(tmp_path, pl.DataFrame({"note": texts})) == [[text] for text in texts]


def test_nothing_and_empty_text_are_told_apart(tmp_path: Path) -> None:
    write_csv_parts(tmp_path, "table", [pl.DataFrame({"a": [None, ""], "b": [1, 2]}, schema={"a": pl.String, "b": pl.Int64})])
    assert (tmp_path / "table.csv").read_text() == 'a,b\n,1\n"",2\n'


def test_files_have_no_byte_order_mark(tmp_path: Path) -> None:
    write_csv_parts(tmp_path, "table", [pl.DataFrame({"a": ["é"]})])
    assert (tmp_path / "table.csv").read_bytes() == 'a\n"é"\n'.encode()


def test_a_cell_holds_no_more_than_a_spreadsheet_shows(tmp_path: Path) -> None:
    fits, long = "x" * 32_766, "=" + "y" * 40_000
    ((kept,), (cut,)) = written(tmp_path, pl.DataFrame({"quantization_ignored": [fits, long]}))
    assert kept == fits
    assert len(cut) <= 32_767
    assert cut.startswith("'=yyy")
    assert cut.endswith("… (cut)")
