"""What must hold before a version is published."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl

from flows.published import read_run
from transforms import contracts
from transforms.contracts import ContractError

_NEEDED = ("models", "architectures", "parameter_groups", "layer_groups", "rejects", *contracts.CATALOG_TABLES)
_NEVER_EMPTY = ("models", "architectures", "shapes", "gpus", "contexts")


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
    connection: duckdb.DuckDBPyConnection,
    partial: Path,
    tables: dict[str, pl.DataFrame],
    before: Path | None,
    facts: dict[str, object],
) -> None:
    """Check a built version: its recommendations' contract, the SQL checks, and the models lost since the version before.

    Raises PublishError on the first failure.
    """
    _check_recommendations(partial / "recommendations.parquet")
    for name, statement in _sql_checks():
        relation = connection.sql(statement)
        offenders = relation.limit(1).fetchall()
        if offenders:
            shown = ", ".join(f"{column}={value}" for column, value in zip(relation.columns, offenders[0], strict=True))
            raise PublishError(f"check {name} failed, first offender: {shown}")
    if before is not None:
        _check_models_lost(tables, before, facts)


def setting(policies: pl.DataFrame, key: str) -> float:
    """A setting of publishing: the row (publish, key) of the policies catalog. Raises PublishError where it is missing."""
    rows = policies.filter((pl.col("policy") == "publish") & (pl.col("key") == key))
    if rows.height != 1:
        raise PublishError(f"the policies catalog has no row publish, {key}")
    return rows["value"].item()


def _check_recommendations(path: Path) -> None:
    declared = contracts.TABLES["recommendations"]
    frame = pl.scan_parquet(path)
    if tuple(frame.collect_schema()) != declared.columns:
        raise PublishError("recommendations: columns are not those of the contract")
    required = [column for column in declared.columns if column not in declared.nullable]
    nulls = frame.select(pl.len().alias("rows"), *(pl.col(column).null_count() for column in required)).collect()
    if nulls["rows"].item() == 0:
        raise PublishError("recommendations: no rows")
    empty = [column for column in required if nulls[column].item()]
    if empty:
        raise PublishError(f"recommendations: {', '.join(empty)} empty where the contract forbids it")
    repeated = frame.group_by(declared.key).len().filter(pl.col("len") > 1).head(1).collect()
    if repeated.height:
        raise PublishError(f"recommendations: key repeats: {repeated.row(0)[:-1]}")


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


def _sql_checks() -> list[tuple[str, str]]:
    """Name and text of every query of sql/checks; each returns the rows that offend."""
    room = Path(str(files("sql"))) / "checks"
    return [(path.stem, path.read_text(encoding="utf-8")) for path in sorted(room.glob("*.sql"))]
