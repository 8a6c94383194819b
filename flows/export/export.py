"""`shapefit export`: the published tables as files for BI tools, the same numbers that `query` gives."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import duckdb
import polars as pl
import pyarrow.parquet as pq

from flows.database.sql_files import fetch, run_sql
from flows.export.csv_parts import ROWS_PER_FILE, remove_other_parts, write_csv_parts
from flows.export.export_star import export_star
from flows.printing.progress import say
from flows.system.whole_file import take_place, temporary_beside
from flows.versions.versions import DATABASE, open_version, read_run, require_latest
from transforms.tables.contracts import EXPORTED_TABLES

PER_ARCHITECTURE = "architecture_recommendations"
"""Directory of the recommendations once per architecture, exported where rows per model were too many to publish as a file."""

_BATCH_ROWS = 100_000


def export(data: Path, output: Path, form: str, grid: bool = False, rows_per_file: int = ROWS_PER_FILE) -> list[tuple[str, int]]:
    """Write the published tables into a directory and return each file's name and rows.

    Args:
        data: the data directory.
        output: directory to write into; files of the same names are replaced, each at once.
        form: csv or parquet.
        grid: also write the nightly grid, rows that do not fit included, as `fits/<provider>-<weights>-<KV precision>` files.
        rows_per_file: recommendations with more rows are split into one CSV for each provider; what still has more, in parts.

    Raises NotPublishedError where nothing is published.
    """
    version = require_latest(data)
    output.mkdir(parents=True, exist_ok=True)
    written = []
    published = [name for name in EXPORTED_TABLES if (version / f"{name}.parquet").is_file()]
    with open_version(version) as connection:
        for name in published:
            if form == "parquet":
                written.append(_copy(version / f"{name}.parquet", output))
            else:
                written += _csv(connection, name, output, rows_per_file)
    if "recommendations" not in published:
        written += _per_architecture(version, output, form)
    return written + (_grid(version, output, form, rows_per_file) if grid else [])


def _per_architecture(version: Path, output: Path, form: str) -> list[tuple[str, int]]:
    """The recommendations of a version that has too many of them per model: once per architecture, as it keeps them."""
    facts = read_run(version)
    say(f"no recommendations per model: {facts.get('recommendations_left_out')}")
    if form == "csv":
        say("--star writes them once per architecture as CSV, and --format parquet as Parquet")
        return []
    shutil.rmtree(output / PER_ARCHITECTURE, ignore_errors=True)
    shutil.copytree(version / PER_ARCHITECTURE, output / PER_ARCHITECTURE)
    return [(PER_ARCHITECTURE, facts["counts"][PER_ARCHITECTURE])]


def print_export(data: Path, output: Path, form: str, grid: bool, star: bool = False) -> int:
    """Export the published tables, or the star schema made of them, and say what was written."""
    if star and grid:
        raise ValueError("--star and --grid are two exports: write them to two directories, one command each")
    for name, rows in export_star(data, output, form) if star else export(data, output, form, grid):
        sys.stdout.write(f"{output / name}  {rows:,} rows\n")
    return 0


def _copy(source: Path, output: Path) -> tuple[str, int]:
    with temporary_beside(output / source.name) as partial:
        shutil.copyfile(source, partial)
        take_place(partial, output / source.name)
    return source.name, _rows(source)


def _grid(version: Path, output: Path, form: str, rows_per_file: int) -> list[tuple[str, int]]:
    """The view `fits`, part by part: it is computed as it is written."""
    from flows.database.connection import connect

    directory = output / "fits"
    directory.mkdir(exist_ok=True)
    written = []
    with connect(version / DATABASE, read_only=True) as connection:
        for part in fetch(connection, "publish/grid_parts.sql").records():
            name = f"{part['provider']}-{part['quantization']}-{part['kv_dtype']}"
            path = directory / f"{name}.parquet"
            with temporary_beside(path) as partial:
                run_sql(connection, "publish/fits_parquet.sql", {**part, "path": str(partial)})
                parts = [(path.name, _rows(partial))]
                if form == "parquet":
                    take_place(partial, path)
                else:
                    parts = write_csv_parts(directory, name, _frames(partial), rows_per_file)
                    remove_other_parts(directory, name, dict(parts))
            written += [(f"fits/{file}", rows) for file, rows in parts]
    return written


def _csv(connection: duckdb.DuckDBPyConnection, name: str, output: Path, rows_per_file: int) -> list[tuple[str, int]]:
    """One CSV, or one for each provider, each in parts where it is still too long; those of an earlier export are removed."""
    relation = connection.table(name)
    providers = [row[0] for row in connection.table("providers").project("provider").order("provider").fetchall()]
    if name != "recommendations" or relation.aggregate("count(*)").fetchall()[0][0] <= rows_per_file:
        written = write_csv_parts(output, name, _batches(relation), rows_per_file)
    else:
        written = []
        for provider in providers:
            offers = relation.filter(duckdb.ColumnExpression("provider") == provider)
            if offers.limit(1).fetchall():
                written += write_csv_parts(output, f"{name}-{provider}", _batches(offers), rows_per_file)
    remove_other_parts(output, name, dict(written), providers)
    return written


def _batches(relation: duckdb.DuckDBPyRelation) -> Iterator[pl.DataFrame]:
    empty = True
    for batch in relation.to_arrow_reader(_BATCH_ROWS):
        empty = False
        yield cast("pl.DataFrame", pl.from_arrow(batch))
    if empty:
        yield relation.limit(0).pl()


def _frames(path: Path) -> Iterator[pl.DataFrame]:
    """A Parquet file's rows, a batch at a time; the first frame has the columns where there are no rows."""
    with pq.ParquetFile(path) as file:
        yield cast("pl.DataFrame", pl.from_arrow(file.schema_arrow.empty_table()))
        for batch in file.iter_batches(_BATCH_ROWS):
            yield cast("pl.DataFrame", pl.from_arrow(batch))


def _rows(path: Path) -> int:
    return pl.scan_parquet(path).select(pl.len()).collect().item()
