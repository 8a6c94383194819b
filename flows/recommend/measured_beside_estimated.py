"""Measured sweeps beside the estimates for the same model, GPU, layout and load: what a measurement corrects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flows.size.sweep_store import read_all, runs

if TYPE_CHECKING:
    import polars as pl

_KNOWN = ("model_id", "gpu", "test_gpu_count")
_TAKEN_OVER = ("tp", "quantization", "kv_dtype", "engine", "engine_version")


def measured_beside_estimated(data: Path, model_id: str | None = None) -> pl.DataFrame | None:
    """Every measured concurrency of sweeps whose model, GPU and GPU count are known, with the estimate and the ratio.

    Args:
        data: the directory of the sweeps; models are looked up as `shapefit estimate` does.
        model_id: only this model's sweeps.

    Returns the rows of `sql/sizing/measured_beside_estimated.sql`: times in ms, throughput of the whole deployment in
    tokens/s, `*_ratio` measured over estimated; None where nothing was measured of a known model on a known GPU.
    """
    if not runs(data):
        return None
    import polars as pl

    from flows.ask.estimate import estimate
    from flows.database.sql_files import sql_text
    from flows.lake.catalogs import load_catalogs
    from flows.size.fit import complete_measurements, sizing_database

    tables = read_all(data)
    sweeps = tables["sweeps"].drop_nulls(list(_KNOWN))
    if model_id is not None:
        sweeps = sweeps.filter(model_id=model_id)
    if sweeps.is_empty():
        return None
    kept = {name: frame.join(sweeps.select("run"), on="run", how="semi") for name, frame in tables.items()}
    with sizing_database(kept, load_catalogs()["sizing_settings"]) as connection:
        complete_measurements(connection)
        levels = connection.table("measurements").pl()
        configurations = levels.join(sweeps.select("run", *_KNOWN, *_TAKEN_OVER), on="run").select(
            pl.concat_str("run", pl.lit("/"), "concurrency").alias("id"),
            "model_id",
            "gpu",
            pl.col("test_gpu_count").alias("gpu_count"),
            *_TAKEN_OVER,
            "concurrency",
            pl.col("mean_input_tokens").round().cast(pl.Int64).alias("input_tokens"),
            pl.col("mean_output_tokens").round().cast(pl.Int64).alias("output_tokens"),
        )
        connection.register("evaluated", estimate(configurations, data).to_arrow())
        return connection.sql(sql_text("sizing/measured_beside_estimated.sql")).pl()
