"""`shapefit export`: the published tables as files for BI tools, the same numbers that `query` gives."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from flows.output import write_csv_frame
from flows.published import DATABASE, fetch, open_version, require_latest, run

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
        grid: also write the nightly grid, rows that do not fit included, as `fits/<provider>-<weights>-<KV precision>` files.
        rows_per_file: a CSV table with more rows is split into one file for each provider.

    Raises NotPublishedError where nothing is published.
    """
    version = require_latest(data)
    output.mkdir(parents=True, exist_ok=True)
    written = []
    with open_version(version) as connection:
        for name in EXPORTED:
            if form == "parquet":
                written.append(_copy(version / f"{name}.parquet", output))
            else:
                written += _csv(connection, name, output, rows_per_file)
    return written + (_grid(version, output, form) if grid else [])


def print_export(data: Path, output: Path, form: str, grid: bool) -> int:
    """Export and say what was written."""
    for name, rows in export(data, output, form, grid):
        sys.stdout.write(f"{output / name}  {rows:,} rows\n")
    return 0


def _copy(source: Path, output: Path) -> tuple[str, int]:
    with _whole(output / source.name) as partial:
        shutil.copyfile(source, partial)
    return source.name, _rows(source)


def _grid(version: Path, output: Path, form: str) -> list[tuple[str, int]]:
    """The view `fits`, part by part: it is computed as it is written."""
    from flows.database import connect

    directory = output / "fits"
    directory.mkdir(exist_ok=True)
    written = []
    with connect(version / DATABASE, read_only=True) as connection:
        for part in fetch(connection, "publish/grid_parts.sql").records():
            path = directory / f"{part['provider']}-{part['quantization']}-{part['kv_dtype']}.{form}"
            with _whole(path) as partial:
                run(connection, "publish/fits_parquet.sql", {**part, "path": str(partial)})
                rows = _rows(partial)
                if form == "csv":
                    frame = pl.read_parquet(partial, memory_map=False)
                    with partial.open("wb") as stream:
                        write_csv_frame(frame, stream)
            written.append((f"fits/{path.name}", rows))
    return written


def _csv(connection: duckdb.DuckDBPyConnection, name: str, output: Path, rows_per_file: int) -> list[tuple[str, int]]:
    """One CSV, or one for each provider; files of the other kind from an earlier export are removed."""
    relation = connection.table(name)
    providers = [row[0] for row in connection.table("providers").project("provider").order("provider").fetchall()]
    parts = {output / f"{name}-{provider}.csv": provider for provider in providers}
    whole = output / f"{name}.csv"
    if name != "recommendations" or relation.aggregate("count(*)").fetchall()[0][0] <= rows_per_file:
        written = [_write_csv(whole, _batches(relation))]
    else:
        offers = {path: relation.filter(duckdb.ColumnExpression("provider") == provider) for path, provider in parts.items()}
        written = [_write_csv(path, _batches(offer)) for path, offer in offers.items() if offer.limit(1).fetchall()]
    for path in (whole, *parts):
        if path.name not in dict(written):
            path.unlink(missing_ok=True)
    return written


def _batches(relation: duckdb.DuckDBPyRelation) -> Iterator[pl.DataFrame]:
    empty = True
    for batch in relation.to_arrow_reader(_BATCH_ROWS):
        empty = False
        yield pl.from_arrow(batch)  # type: ignore[misc]
    if empty:
        yield relation.limit(0).pl()


def _write_csv(path: Path, frames: Iterator[pl.DataFrame]) -> tuple[str, int]:
    rows = 0
    with _whole(path) as partial, partial.open("wb") as stream:
        for index, frame in enumerate(frames):
            write_csv_frame(frame, stream, header=index == 0)
            rows += frame.height
    return path.name, rows


def _rows(path: Path) -> int:
    return pl.scan_parquet(path).select(pl.len()).collect().item()


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A temporary path that takes the file's place when the block ends well."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
