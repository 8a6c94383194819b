"""Catalogs as text → frames of their contracts' types, and everything that is wrong with them, by line and column.

Empty cells are nulls: an unknown count, memory, price or interconnect is no fault. A wrong type, a null where the contract
forbids one, a repeated key, a number out of its range, an unlisted word or a reference to nothing is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from transforms.catalogs.engine_versions import is_release, overlapping_settings
from transforms.catalogs.gpu_names import normalized
from transforms.tables.contracts import POLARS_TYPES, TABLES, empty_frame
from transforms.tables.fields import FIELDS

LINE = "line"
"""Column that holds each row's first line in its file while the checks run."""

POSITIVE_UNITS = frozenset({"GPUs", "GiB", "GB", "GB/s", "TFLOP/s", "TOP/s", "tokens", "ms", "ratio", "bits"})
"""Units of which nothing or less than nothing cannot be meant; an unknown quantity is an empty cell."""

SIGNED = frozenset({"value"})
"""Number columns that may be negative: settings whose meaning the row itself states."""

WORDS: dict[tuple[str, str], frozenset[str]] = {
    ("prices", "price_kind"): frozenset({"on_demand", "spot"}),
    ("unsold_prices", "price_kind"): frozenset({"on_demand", "spot"}),
    ("shapes", "interconnect_kind"): frozenset({"none", "nvlink", "nvlink_bridge", "pcie", "xgmi", "other"}),
    ("quantization_support", "supported"): frozenset({"yes", "no", "weight-only", "emulated"}),
}
"""Columns that take only these words, beside those whose words `check_catalogs` is given."""

Words = Mapping[tuple[str, str], Collection[str]]
"""The words that a column takes, by table and column."""

READABLE_TYPES = {
    "BIGINT": "a whole number",
    "INTEGER": "a whole number",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "DATE": "a date (YYYY-MM-DD)",
}


@dataclass(frozen=True)
class Violation:
    """One fault of a catalog file: its table, line (1 is the header) and column, and what is wrong."""

    table: str
    line: int
    column: str
    problem: str

    def __str__(self) -> str:
        return f"{self.table}.csv line {self.line}, column {self.column}: {self.problem}"


@dataclass(frozen=True)
class Reference:
    """Columns whose values must occur in columns of another catalog, there only in rows where a column has one value."""

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    where: tuple[str, str] | None = None


REFERENCES = (
    Reference("shapes", ("provider",), "providers", ("provider",)),
    Reference("shapes", ("gpu",), "gpus", ("gpu",)),
    Reference("gpu_aliases", ("gpu",), "gpus", ("gpu",)),
    Reference("prices", ("provider", "shape"), "shapes", ("provider", "shape")),
    Reference("price_sources", ("provider",), "providers", ("provider",)),
    Reference("price_parts", ("provider", "shape"), "shapes", ("provider", "shape")),
    Reference("unsold_prices", ("provider", "shape"), "shapes", ("provider", "shape")),
    Reference("quantization_aliases", ("quantization",), "quantizations", ("quantization",)),
    Reference("known_checkpoints", ("quantization",), "quantizations", ("quantization",)),
    Reference("aqua_shapes", ("catalog_shape",), "shapes", ("shape",), ("provider", "oci")),
    Reference("lmi_guide", ("shape",), "shapes", ("shape",), ("provider", "sagemaker")),
    Reference("gpus", ("generation",), "speed_coefficients", ("key",), ("scope", "generation")),
)


def check_catalogs(texts: Mapping[str, str], words: Words | None = None) -> tuple[dict[str, pl.DataFrame], list[Violation]]:
    """CSV texts by table name → frames of their contracts' types by table name, and all violations in file order.

    `words` are those of columns whose words follow from code elsewhere, such as the forms of price lists. References into
    catalogs that are not among the texts are not checked. Frames are usable only where no violation is named.
    """
    frames: dict[str, pl.DataFrame] = {}
    violations: list[Violation] = []
    for table, text in texts.items():
        frames[table], found = _check_table(table, text, {**WORDS, **(words or {})})
        violations += found
    for reference in REFERENCES:
        if reference.table in frames and reference.target in frames:
            violations += _dangling(reference, frames)
    if "gpu_aliases" in frames:
        violations += _contradicting_aliases(frames["gpu_aliases"])
    if "engines" in frames:
        violations += _unclear_releases(frames["engines"])
    order = {table: position for position, table in enumerate(texts)}
    violations.sort(key=lambda violation: (order[violation.table], violation.line))
    return {table: frame.drop(LINE) for table, frame in frames.items()}, violations


def _check_table(table: str, text: str, words: Words) -> tuple[pl.DataFrame, list[Violation]]:
    """One catalog's text → its typed frame with line numbers, and the faults that can be seen without other catalogs."""
    declared = TABLES[table]
    cells, violations = _cells(table, text)
    if cells is None:
        return empty_frame(table).with_columns(pl.lit(None, pl.Int64).alias(LINE)), violations
    typed = cells.select(LINE, *(_typed(column).alias(column) for column in declared.columns))
    for column in declared.columns:
        violations += _column_violations(table, column, cells, typed, words.get((table, column)))
    violations += _repeated_keys(table, typed)
    return typed, violations


def _cells(table: str, text: str) -> tuple[pl.DataFrame | None, list[Violation]]:
    """CSV text → a frame of text (empty cells null) with line numbers; none where the header does not fit the contract."""
    columns = TABLES[table].columns
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int | str | None, ...]] = []
    violations: list[Violation] = []
    line = 1
    try:
        header = next(reader, [])
        violations += [Violation(table, 1, column, "the column is missing") for column in columns if column not in header]
        violations += [Violation(table, 1, column, "no such column") for column in header if column not in columns]
        violations += [Violation(table, 1, column, "the column repeats") for column in set(header) if header.count(column) > 1]
        if violations:
            return None, violations
        line = reader.line_num + 1
        for row in reader:
            if len(row) == len(header):
                values = dict(zip(header, row, strict=True))
                rows.append((line, *(values[column] or None for column in columns)))
            elif row:
                problem = f"{len(row)} cells where the header has {len(header)}"
                violations.append(Violation(table, line, header[min(len(row), len(header)) - 1], problem))
            line = reader.line_num + 1
    except csv.Error as error:
        violations.append(Violation(table, line, columns[0], f"not CSV: {error}"))
    schema = {LINE: pl.Int64(), **dict.fromkeys(columns, pl.String())}
    return pl.DataFrame(rows, schema=schema, orient="row"), violations


def _typed(column: str) -> pl.Expr:
    """The expression that reads a text column as its declared type, null where it cannot."""
    kind = FIELDS[column].type
    cell = pl.col(column)
    if kind == "VARCHAR":
        return cell
    if kind == "BOOLEAN":
        return cell.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    if kind == "DATE":
        return pl.when(cell.str.contains(r"^\d{4}-\d{2}-\d{2}$")).then(cell.str.to_date("%Y-%m-%d", strict=False))
    number = cell.cast(POLARS_TYPES[kind], strict=False)
    return pl.when(number.is_finite()).then(number) if kind == "DOUBLE" else number


def _column_violations(
    table: str, column: str, cells: pl.DataFrame, typed: pl.DataFrame, words: Collection[str] | None
) -> Iterator[Violation]:
    field = FIELDS[column]
    text, value = cells[column], typed[column]
    if field.type != "VARCHAR":
        for line, cell in _rows(cells, text.is_not_null() & value.is_null(), column):
            yield Violation(table, line, column, f"{cell!r} is not {READABLE_TYPES[field.type]}")
    if column not in TABLES[table].nullable:
        for line, _ in _rows(cells, text.is_null(), column):
            yield Violation(table, line, column, "is empty, which the contract forbids")
    if field.type in ("BIGINT", "INTEGER", "DOUBLE") and column not in SIGNED:
        for line, cell in _rows(cells, value < 0, column):
            yield Violation(table, line, column, f"{cell} is negative")
        if field.unit in POSITIVE_UNITS:
            for line, _ in _rows(cells, value == 0, column):
                yield Violation(table, line, column, "is zero; leave it empty where it is unknown")
        if field.unit == "share":
            for line, cell in _rows(cells, value > 1, column):
                yield Violation(table, line, column, f"{cell} is no share between 0 and 1")
    if words is not None:
        for line, cell in _rows(cells, text.is_not_null() & ~text.is_in(list(words)), column):
            yield Violation(table, line, column, f"{cell!r} is none of {', '.join(sorted(words))}")


def _repeated_keys(table: str, typed: pl.DataFrame) -> Iterator[Violation]:
    declared = TABLES[table]
    required = [column for column in declared.key if column not in declared.nullable]
    first: dict[tuple[object, ...], int] = {}
    for line, *values in typed.drop_nulls(required).select(LINE, *declared.key).iter_rows():
        key = tuple(value.casefold() if table == "gpu_aliases" else value for value in values)
        earlier = first.setdefault(key, line)
        if earlier != line:
            shown = ", ".join(str(value) for value in values if value is not None)
            yield Violation(table, line, declared.key[-1], f"the key {shown} repeats that of line {earlier}")


def _dangling(reference: Reference, frames: Mapping[str, pl.DataFrame]) -> Iterator[Violation]:
    target = frames[reference.target]
    if reference.where:
        column, value = reference.where
        target = target.filter(pl.col(column) == value)
    known = set(target.select(reference.target_columns).rows())
    for line, *values in frames[reference.table].select(LINE, *reference.columns).drop_nulls().iter_rows():
        if tuple(values) not in known:
            shown = " ".join(str(value) for value in values)
            yield Violation(reference.table, line, reference.columns[-1], f"{shown!r} is not in {reference.target}.csv")


def _contradicting_aliases(aliases: pl.DataFrame) -> Iterator[Violation]:
    """Spellings that differ only in spaces, hyphens or underscores must mean one accelerator."""
    first: dict[str, tuple[str, str]] = {}
    for line, alias, gpu in aliases.select(LINE, "alias", "gpu").drop_nulls().iter_rows():
        earlier, meant = first.setdefault(normalized(alias), (alias, gpu))
        if meant != gpu:
            yield Violation("gpu_aliases", line, "alias", f"{alias!r} reads like {earlier!r}, which means {meant}")


def _unclear_releases(engines: pl.DataFrame) -> Iterator[Violation]:
    """Releases must be numbers between dots, and no two rows may set the same thing for one release."""
    for column in ("version_from", "version_below"):
        for line, release in engines.select(LINE, column).drop_nulls().iter_rows():
            if not is_release(release):
                yield Violation("engines", line, column, f"{release!r} is no release: write it as 0.19")
    for earlier, later in overlapping_settings(engines):
        if earlier["version_from"] != later["version_from"]:
            shown = f"{later['engine']} {later['scope']} {later['key']}"
            problem = f"{shown} is set for the same releases in line {earlier[LINE]}"
            yield Violation("engines", later[LINE], "version_from", problem)


def _rows(cells: pl.DataFrame, bad: pl.Series, column: str) -> Iterable[tuple[int, str]]:
    return cells.filter(bad.fill_null(False)).select(LINE, column).rows()
