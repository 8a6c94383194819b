"""What must hold before a version is published."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

from flows.published import open_version, read_run
from transforms import contracts
from transforms.contracts import ContractError

_NEEDED = ("models", "architectures", "parameter_groups", "layer_groups", "rejects", *contracts.CATALOG_TABLES)
_NEVER_EMPTY = ("models", "architectures", "shapes", "gpus", "contexts")


DISK_ERRORS = (OSError, duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException, pl.exceptions.ComputeError)
"""What a full or failing disk shows itself as while the grid is computed or a version is built."""


class PublishError(ValueError):
    """A version was not published; the message says which check failed and on what."""


def check_facts(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables a version is built from, each in its contract's form. Raises PublishError."""
    missing = [name for name in _NEEDED if name not in tables]
    if missing:
        raise PublishError(f"tables are missing: {', '.join(missing)}")
    try:
        checked = {name: contracts.conform(name, tables[name]) for name in _NEEDED}
    except ContractError as error:
        raise PublishError(f"a table breaks its contract: {error}") from error
    empty = [name for name in _NEVER_EMPTY if checked[name].is_empty()]
    if empty:
        raise PublishError(f"nothing to publish: {', '.join(empty)} without rows")
    return checked


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


def check_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Check the rows of the table architecture_recommendations by every query of `sql/checks`. Raises PublishError."""
    for name, statement in _checks().items():
        relation = connection.sql(statement)
        offenders = relation.limit(1).fetchall()
        if offenders:
            shown = ", ".join(f"{column}={value}" for column, value in zip(relation.columns, offenders[0], strict=True))
            raise PublishError(f"check {name} failed, first offender: {shown}")


def check_texts() -> list[str]:
    """The queries that rows are checked by."""
    return list(_checks().values())


def setting(policies: pl.DataFrame, key: str) -> float:
    """A setting of publishing: the row (publish, key) of the policies catalog. Raises PublishError where it is missing."""
    rows = policies.filter((pl.col("policy") == "publish") & (pl.col("key") == key))
    if rows.height != 1:
        raise PublishError(f"the policies catalog has no row publish, {key}")
    return rows["value"].item()


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
            if statistics is None or not statistics.has_null_count or statistics.null_count:
                found.add(column.path_in_schema)
    return sorted(found)


def _check_models_lost(tables: dict[str, pl.DataFrame], before: Path, facts: dict[str, object]) -> None:
    """No more than the stated share of the models of the version before may be missing, when the same models were asked for."""
    if read_run(before).get("requested") != facts.get("requested"):
        return
    known = pl.read_parquet(before / "models.parquet", columns=["model_id"])
    lost = known.join(tables["models"], on="model_id", how="anti")
    allowed = setting(tables["policies"], "max_models_lost_share")
    if lost.height > allowed * known.height:
        examples = ", ".join(lost["model_id"].sort().head(3))
        raise PublishError(
            f"{lost.height} of {known.height} models of version {before.name} are missing (at most {allowed:.0%} may be), "
            f"among them {examples}"
        )


@cache
def _checks() -> dict[str, str]:
    """Name and text of every query of sql/checks; each returns the rows that offend."""
    room = Path(str(files("sql"))) / "checks"
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(room.glob("*.sql"))}
