"""`shapefit export`: the published tables as files for BI tools, the same numbers that `query` gives."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl

from flows.output import write_csv_frame
from flows.published import open_version, require_latest, sql_text

EXPORTED = (
    "recommendations",
    "models",
    "architectures",
    "parameter_groups",
    "layer_groups",
    "rejects",
    "providers",
    "shapes",
    "prices",
    "gpus",
    "quantizations",
    "contexts",
    "workloads",
    "engines",
    "policies",
    "changes",
)

ROWS_PER_FILE = 1_000_000
"""A CSV of more rows is split by provider: a spreadsheet opens 1,048,576 rows at most."""

_BATCH_ROWS = 100_000


def export(data: Path, output: Path, form: str, grid: bool = False, rows_per_file: int = ROWS_PER_FILE) -> list[tuple[str, int]]:
    """Write the published tables into a directory and return each file's name and rows.

    Args:
        data: the data directory.
        output: directory to write into; files of the same names are replaced, each at once.
        form: csv or parquet.
        grid: also write the view `fits` whole, as `fits.parquet` or one `fits` CSV per provider.
        rows_per_file: CSV tables with more rows are split into one file per provider.

    Raises NotPublishedError where nothing is published.
    """
    version = require_latest(data)
    output.mkdir(parents=True, exist_ok=True)
    written = []
    with open_version(version) as connection:
        for name in (*EXPORTED, *(("fits",) if grid else ())):
            if form == "parquet":
                written.append(_parquet(connection, version, name, output / f"{name}.parquet"))
            else:
                written += _csv(connection, name, output, rows_per_file)
    return written


def print_export(data: Path, output: Path, form: str, grid: bool) -> int:
    """Export and say what was written."""
    written = export(data, output, form, grid)
    for name, rows in written:
        sys.stdout.write(f"{output / name}  {rows:,} rows\n")
    return 0


def _parquet(connection: duckdb.DuckDBPyConnection, version: Path, name: str, path: Path) -> tuple[str, int]:
    """A published file is copied as it is; only the grid, which is not kept as a file, is written out."""
    partial = _partial(path)
    source = version / path.name
    if source.is_file():
        shutil.copyfile(source, partial)
    else:
        _write_view(version, name, partial)
    partial.replace(path)
    return path.name, pl.scan_parquet(path).select(pl.len()).collect().item()


def _write_view(version: Path, name: str, path: Path) -> None:
    from flows.published import DATABASE

    with duckdb.connect(str(version / DATABASE), read_only=True) as connection:
        connection.execute(sql_text(f"publish/{name}_parquet.sql"), {"path": str(path)})


def _csv(connection: duckdb.DuckDBPyConnection, name: str, output: Path, rows_per_file: int) -> list[tuple[str, int]]:
    relation = connection.table(name)
    whole = output / f"{name}.csv"
    if "provider" not in relation.columns or name in ("providers", "shapes", "prices", "changes"):
        return [_write_csv(whole, _batches(relation))]
    if relation.aggregate("count(*)").fetchall()[0][0] <= rows_per_file:
        return [_write_csv(whole, _batches(relation))]
    providers = [row[0] for row in relation.unique("provider").order("provider").fetchall()]
    parts = [
        _write_csv(output / f"{name}-{provider}.csv", _batches(relation.filter(duckdb.ColumnExpression("provider") == provider)))
        for provider in providers
    ]
    whole.unlink(missing_ok=True)
    return parts


def _batches(relation: duckdb.DuckDBPyRelation) -> Iterator[pl.DataFrame]:
    empty = True
    for batch in relation.to_arrow_reader(_BATCH_ROWS):
        empty = False
        yield pl.from_arrow(batch)  # type: ignore[misc]
    if empty:
        yield relation.limit(0).pl()


def _write_csv(path: Path, frames: Iterator[pl.DataFrame]) -> tuple[str, int]:
    partial = _partial(path)
    rows = 0
    with partial.open("wb") as stream:
        for index, frame in enumerate(frames):
            write_csv_frame(frame, stream, header=index == 0)
            rows += frame.height
    partial.replace(path)
    return path.name, rows


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")
