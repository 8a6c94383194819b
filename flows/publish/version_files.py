"""The files of a version: the database and Parquet, made anew or, where they follow from the same as before, taken over.

A version whose grid is that of the version before takes over its heavy files: the database as a copy, in which the crawled tables
are replaced, Parquet as hard links. Rows per model are written as Parquet only up to a limit, for there are as many as models
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
from flows.publish.changes import write_changes
from flows.versions.versions import DATABASE, read_run
from transforms.catalogs.policy_settings import setting
from transforms.tables import contracts

_CRAWLED = ("models", "architectures", "parameter_groups", "layer_groups", "rejects")
"""Tables that may differ between versions whose grid is the same; the catalogs' tables may not."""

PER_MODEL = ("recommendations", "best_shapes")
"""Computed tables with rows for each model."""

_OF_THE_DAY = ("best_shapes",)
"""Those that say how old a price is on the day of publication, made anew for every version."""


@dataclass(frozen=True)
class Basis:
    """What a version's heavy files follow from: those per architecture and all that is no model, and those per model."""

    grid: str
    content: str


@dataclass(frozen=True)
class Earlier:
    """The version before, if any, and whether its files per architecture, and per model, would be made again the same."""

    version: Path | None
    same_grid: bool = False
    same_content: bool = False


def earlier(version: Path | None, basis: Basis) -> Earlier:
    """How far the version before follows from the same."""
    run = read_run(version) if version else {}
    same_grid = run.get("grid_hash") == basis.grid
    return Earlier(version, same_grid, same_grid and run.get("content_hash") == basis.content)


@dataclass(frozen=True)
class Written:
    """What a version holds: rows by table, changes by kind, and, where rows per model are too many for files, what to read."""

    counts: dict[str, int]
    changes: dict[str, int]
    left_out: str | None


def write_files(partial: Path, tables: dict[str, pl.DataFrame], grid: Grid, before: Earlier) -> Written:
    """Fill a version's directory with its database and its Parquet files."""
    from flows.publish.build_database import build_database

    path = partial / DATABASE
    if before.same_grid:
        assert before.version is not None
        shutil.copyfile(before.version / DATABASE, path)
    else:
        build_database(path, tables, grid.buckets)
    with connect(path) as connection:
        if before.same_grid:
            _replace_crawled(connection, tables)
        changes = write_changes(connection, before.version, tables["policies"], before.same_grid)
        counts = {name: _write_table(partial, name, frame) for name, frame in tables.items()}
        counts |= {name: count(connection, name) for name in ("architecture_recommendations", "layouts", "changes")}
        counts["recommendations"] = run_sql(connection, "publish/recommendation_rows.sql").fetchall()[0][0]
        left_out = _left_out(counts["recommendations"], setting(tables["policies"], "publish", "recommendation_rows_written"))
        for name in ("layouts", "changes"):
            _make(connection, partial / f"{name}.parquet", None)
        _make_architectures(connection, partial / "architecture_recommendations", before.version if before.same_grid else None)
        for name in PER_MODEL if left_out is None else ():
            kept = before.same_content and name not in _OF_THE_DAY
            _make(connection, partial / f"{name}.parquet", before.version if kept else None)
    return Written(counts, changes, left_out)


def _left_out(rows: int, limit: float) -> str | None:
    if rows <= limit:
        return None
    return (
        f"{rows:,} rows per model are more than the {limit:,.0f} that are written as a file: "
        "join architecture_recommendations/ with models.parquet on architecture_key, or ask the database"
    )


def _replace_crawled(connection: duckdb.DuckDBPyConnection, tables: dict[str, pl.DataFrame]) -> None:
    with transaction(connection):
        run_sql(connection, "publish/forget_crawled.sql")
        run_sql(connection, "published/publication.sql")
        for name in _CRAWLED:
            insert_table(connection, name, tables[name])


def _write_table(partial: Path, name: str, frame: pl.DataFrame) -> int:
    frame.sort(contracts.TABLES[name].key, nulls_last=True).write_parquet(partial / f"{name}.parquet", statistics=True)
    return frame.height


def _make(connection: duckdb.DuckDBPyConnection, path: Path, same_as: Path | None) -> None:
    """Write a table's Parquet, or take it over from a version with the same rows."""
    if same_as is None:
        run_sql(connection, f"publish/{path.stem}_parquet.sql", {"path": str(path)})
    else:
        _share(same_as / path.name, path)


def _make_architectures(connection: duckdb.DuckDBPyConnection, directory: Path, same_as: Path | None) -> None:
    """Write a folder of Parquet for each architecture, named as partitions are, or take them over from a version with the same.

    Each is a small query of its own, several at once: DuckDB's own partitioned write sorts and moves all rows together first.
    """
    if same_as is not None:
        shutil.copytree(same_as / directory.name, directory, copy_function=_share)
        return

    def write(architecture: str) -> None:
        folder = directory / f"architecture_key={architecture}"
        folder.mkdir(parents=True)
        parameters = {"architecture": architecture, "path": str(folder / "data_0.parquet")}
        run_sql(connection.cursor(), "publish/architecture_recommendations_parquet.sql", parameters)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tuple(pool.map(write, (key for (key,) in run_sql(connection, "publish/recommended_architectures.sql").fetchall())))


def _share(source: str | Path, target: str | Path) -> None:
    """Give a file that is never changed a second name, or copy it where the file system has no hard links."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
