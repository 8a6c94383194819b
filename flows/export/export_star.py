"""`shapefit export --star`: dimensions and facts for BI tools, with what PostgreSQL needs to load them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from flows.database.sql_files import sql_text
from flows.export.csv_parts import ROWS_PER_FILE, remove_other_parts, write_csv_parts
from flows.system.whole_file import take_place, temporary_beside, write_whole
from flows.versions.versions import open_version, require_latest
from transforms.tables.contracts import STAR_TABLES, conform, polars_schema
from transforms.tables.star_schema import postgres_load, postgres_schema, star_dictionary

_BATCH_ROWS = 100_000


def export_star(data: Path, output: Path, form: str, rows_per_file: int = ROWS_PER_FILE) -> list[tuple[str, int]]:
    """Write the star schema of the latest version into a directory and return each table file's name and rows.

    Beside the tables it writes `data_dictionary.md` and `schema.sql` (PostgreSQL DDL); with CSV also `load.sql`, which psql runs.

    Args:
        data: the data directory.
        output: directory to write into; files of the same names are replaced, each at once.
        form: csv or parquet.
        rows_per_file: a CSV table with more rows is written in numbered parts.

    Raises NotPublishedError where nothing is published, ContractError where a dimension breaks its contract.
    """
    version = require_latest(data)
    output.mkdir(parents=True, exist_ok=True)
    written: list[tuple[str, int]] = []
    loaded: list[tuple[str, str]] = []
    with open_version(version) as connection:
        connection.execute(sql_text("export/star_key.sql"))
        for name in STAR_TABLES:
            frames = _rows(connection, name)
            if form == "parquet":
                written.append(_write_parquet(output / f"{name}.parquet", name, frames))
                continue
            parts = write_csv_parts(output, name, frames, rows_per_file)
            remove_other_parts(output, name, dict(parts))
            written += parts
            loaded += [(name, part) for part, _ in parts]
    write_whole(output / "data_dictionary.md", star_dictionary().encode())
    write_whole(output / "schema.sql", postgres_schema().encode())
    if form == "csv":
        write_whole(output / "load.sql", postgres_load(loaded).encode())
    return written


def _rows(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[pl.DataFrame]:
    """A table's rows: a dimension whole and checked against its contract, the facts in batches of the contract's types."""
    relation = connection.sql(sql_text(f"export/{name}.sql"))
    if name.startswith("dim_"):
        yield conform(name, relation.pl())
        return
    schema = polars_schema(name)
    yield pl.DataFrame(schema=schema)
    for batch in relation.to_arrow_reader(_BATCH_ROWS):
        frame = pl.from_arrow(batch)
        assert isinstance(frame, pl.DataFrame)
        yield frame.select(pl.col(column).cast(dtype) for column, dtype in schema.items())


def _write_parquet(path: Path, name: str, frames: Iterator[pl.DataFrame]) -> tuple[str, int]:
    schema: pa.Schema = pl.DataFrame(schema=polars_schema(name)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    rows = 0
    with temporary_beside(path) as partial:
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for frame in frames:
                if frame.height:
                    writer.write_table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema))
                    rows += frame.height
        take_place(partial, path)
    return path.name, rows
