"""Differences from the version before: written into the new version's database before it is published."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from flows.database.sql_files import run_sql
from flows.publish.build_database import comment_on, create_empty
from flows.versions.versions import DATABASE
from transforms.catalogs.policy_settings import setting


def write_changes(
    connection: duckdb.DuckDBPyConnection, before: Path | None, policies: pl.DataFrame, same_grid: bool = False
) -> dict[str, int]:
    """Create and fill the table `changes` of an open, writable database and count its rows by kind, those not listed too.

    Args:
        connection: the new version's database.
        before: the directory of the version before; the first version has an empty table.
        policies: the catalog that says how many changed fits are listed.
        same_grid: whether rows per architecture are known to be those of the version before.
    """
    create_empty(connection, "changes")
    comment_on(connection, ["changes"])
    if before is None:
        return {}
    run_sql(connection, "publish/attach_before.sql", {"path": str(before / DATABASE)})
    try:
        run_sql(connection, "publish/kept_models.sql")
        run_sql(connection, "publish/fit_changes.sql", {"same_grid": same_grid})
        limits: dict[str, object] = {name: int(setting(policies, "publish", name)) for name in ("models_named", "fits_listed")}
        run_sql(connection, "publish/changes.sql", limits)
        return dict(run_sql(connection, "publish/changes_by_kind.sql").fetchall())
    finally:
        run_sql(connection, "publish/detach_before.sql")
