"""The shapes that supply the GPUs of a sized cluster: whole replicas on whole machines, with price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.database.sql_files import sql_text
from flows.size.fit import create_formulas

if TYPE_CHECKING:
    import polars as pl


def supply(
    catalogs: dict[str, pl.DataFrame], gpu: str, gpus: float, gpus_high: float | None, gpus_per_replica: int
) -> pl.DataFrame:
    """Shapes with that GPU, the cheapest first: machines, GPUs and dollars per hour for the cluster.

    Args:
        catalogs: the catalogs, of which `shapes` and `prices` are read.
        gpu: key in the gpus catalog of the GPU that was measured.
        gpus: GPUs that the sizing asks for, not yet rounded.
        gpus_high: upper end of its interval; None for none.
        gpus_per_replica: GPUs of one copy of the engine, which stays on one machine.
    """
    import duckdb

    with duckdb.connect() as connection:
        create_formulas(connection)
        for name in ("shapes", "prices"):
            connection.register(name, catalogs[name].to_arrow())
        parameters = {"gpu": gpu, "gpus": gpus, "gpus_high": gpus_high, "gpus_per_replica": gpus_per_replica}
        return connection.sql(sql_text("sizing/supply.sql"), params=parameters).pl()
