"""Checks of a version before it is published."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

from flows.estimate.row_checks import PublishError
from flows.versions.versions import open_version, read_run
from transforms.catalogs.policy_settings import setting
from transforms.tables import contracts


def check_published(
    partial: Path,
    tables: dict[str, pl.DataFrame],
    before: Path | None,
    facts: dict[str, object],
) -> None:
    """Check a built version: its recommendations' contract, and the models lost since the version before.

    What the rows hold was checked bucket by bucket when they were computed (`check_rows`). Raises PublishError.
    """
    with open_version(partial) as connection:
        _check_recommendations(connection, partial / "recommendations.parquet")
    if before is not None:
        _check_models_lost(tables, before, facts)


def _check_recommendations(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """The view's columns, that there are rows, and, where they are written per model, that none lacks what the contract demands.

    Keys cannot repeat: architectures' rows were checked, and each model has one architecture.
    """
    declared = contracts.TABLES["recommendations"]
    if tuple(connection.table("recommendations").columns) != declared.columns:
        raise PublishError("recommendations: columns are not those of the contract")
    if not connection.table("recommendations").limit(1).fetchall():
        raise PublishError("recommendations: no rows")
    if path.exists():
        empty = [column for column in _with_nulls(path) if column not in declared.nullable]
        if empty:
            raise PublishError(f"recommendations: {', '.join(empty)} empty where the contract forbids it")


def _with_nulls(path: Path) -> list[str]:
    """Columns of a Parquet file that hold nulls, by its statistics; without statistics a column is taken to hold some."""
    metadata = pq.read_metadata(path)
    found = set()
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            statistics = column.statistics
            if statistics is None or statistics.null_count != 0:  # None where they do not say
                found.add(column.path_in_schema)
    return sorted(found)


def _check_models_lost(tables: dict[str, pl.DataFrame], before: Path, facts: dict[str, object]) -> None:
    """No more than the stated share of the models of the version before may be missing, when the same models were asked for."""
    if read_run(before).get("requested") != facts.get("requested"):
        return
    known = pl.read_parquet(before / "models.parquet", columns=["model_id"])
    lost = known.join(tables["models"], on="model_id", how="anti")
    allowed = setting(tables["policies"], "publish", "max_models_lost_share")
    if lost.height > allowed * known.height:
        examples = ", ".join(lost["model_id"].sort().head(3))
        raise PublishError(
            f"{lost.height} of {known.height} models of version {before.name} are missing (at most {allowed:.0%} may be), "
            f"among them {examples}"
        )
