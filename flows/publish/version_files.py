"""The files of a version: the database and Parquet, made or, where they follow from the same as before, taken over.

A version whose grid is that of the version before takes over its heavy files: the database as a copy, in which the facts are
replaced, Parquet as hard links. Rows per model are written as Parquet only up to a limit, because there are as many as models
times rows of their architecture; beyond it the rows per architecture, with `models` beside them, say the same.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from flows.database.connection import connect, insert_table, transaction
from flows.database.sql_files import run_sql
from flows.estimate.bucket import count
from flows.estimate.grid import Grid
from flows.publish.build_database import build_database, comment_on, create_empty
from flows.publish.changes import write_changes
from flows.versions.versions import DATABASE, read_run
from transforms.catalogs.policy_settings import setting
from transforms.tables import contracts
from transforms.tables.table import Table


@dataclass(frozen=True)
class VersionKeys:
    """Keys over all that a version's files follow from: `grid` for those per architecture, `content` for those per model."""

    grid: str
    content: str


@dataclass(frozen=True)
class VersionBefore:
    """The version before, if any, and whether its files per architecture, and per model, would be made again the same."""

    version: Path | None
    same_grid: bool = False
    same_content: bool = False


def version_before(version: Path | None, keys: VersionKeys) -> VersionBefore:
    """Compare the keys of the version before with these."""
    run = read_run(version) if version else {}
    same_grid = run.get("grid_hash") == keys.grid
    return VersionBefore(version, same_grid, same_grid and run.get("content_hash") == keys.content)


@dataclass(frozen=True)
class VersionContent:
    """The content of a version: rows by table, changes by kind, and what to read where rows per model are too many for files."""

    counts: dict[str, int]
    changes: dict[str, int]
    left_out: str | None


def write_files(partial: Path, tables: dict[str, pl.DataFrame], grid: Grid, before: VersionBefore) -> VersionContent:
    """Fill a version's directory with its database and its Parquet files."""
    path = partial / DATABASE
    if before.same_grid:
        assert before.version is not None
        shutil.copyfile(before.version / DATABASE, path)
    else:
        build_database(path, tables, grid.buckets)
    with connect(path) as connection:
        if before.same_grid:
            _replace_facts(connection, tables)
        changes = write_changes(connection, before.version, tables["policies"], before.same_grid)
        counts = {name: _write_frame(partial, name, frame) for name, frame in tables.items()}
        stored = (table.name for table in contracts.tables_to_parquet() if not table.is_view)
        counts |= {name: count(connection, name) for name in ("architecture_recommendations", *stored)}
        counts["recommendations"] = run_sql(connection, "publish/recommendation_rows.sql").fetchall()[0][0]
        left_out = _left_out(counts["recommendations"], setting(tables["policies"], "publish", "recommendation_rows_written"))
        _write_architectures(connection, partial / "architecture_recommendations", before.version if before.same_grid else None)
        for table in contracts.tables_to_parquet():
            if table.per_model and left_out:
                continue
            path = partial / f"{table.name}.parquet"
            if before.version is not None and before.same_content and table.per_model and not table.of_the_day:
                _share(before.version / path.name, path)
            else:
                _write_sorted(connection, table, path)
    return VersionContent(counts, changes, left_out)


def _left_out(rows: int, limit: float) -> str | None:
    if rows <= limit:
        return None
    return (
        f"{rows:,} rows per model are more than the {limit:,.0f} that are written as a file: "
        "join architecture_recommendations/ with models.parquet on architecture_key, or ask the database"
    )


def _replace_facts(connection: duckdb.DuckDBPyConnection, tables: dict[str, pl.DataFrame]) -> None:
    """Put this run's facts in place of those of the version before, and this day in place of its day."""
    with transaction(connection):
        for name in contracts.FACT_TABLES:
            create_empty(connection, name)
            insert_table(connection, name, tables[name])
        run_sql(connection, "published/publication.sql")
        comment_on(connection, (*contracts.FACT_TABLES, "publication"))


def _write_frame(partial: Path, name: str, frame: pl.DataFrame) -> int:
    frame.sort(contracts.TABLES[name].order, nulls_last=True).write_parquet(partial / f"{name}.parquet", statistics=True)
    return frame.height


def _write_sorted(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> None:
    """Write a computed table or view to a Parquet file, in the order and row groups that its declaration asks for."""
    rows = connection.table(table.name).sort(*table.order)
    rows.write_parquet(str(path), compression="zstd", row_group_size=table.row_group_rows)


def _write_architectures(connection: duckdb.DuckDBPyConnection, directory: Path, same_as: Path | None) -> None:
    """Write a folder of Parquet for each architecture, named as partitions are, or take them over from a version with the same.

    Each is a small query of its own, several at once: DuckDB's own partitioned write sorts and moves all rows together first.
    """
    if same_as is not None:
        shutil.copytree(same_as / directory.name, directory, copy_function=_share)
        return

    def write(architecture: str) -> None:
        folder = directory / f"architecture_key={architecture}"
        folder.mkdir(parents=True)
        parameters: dict[str, object] = {"architecture": architecture, "path": str(folder / "data_0.parquet")}
        run_sql(connection.cursor(), "publish/architecture_recommendations_parquet.sql", parameters)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tuple(pool.map(write, (key for (key,) in run_sql(connection, "publish/recommended_architectures.sql").fetchall())))


def _share(source: str | Path, target: str | Path) -> None:
    """Give a file that is never changed a second name, or copy it where the file system has no hard links."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
