"""The machines of configurations: which GPU a name means, its links, how many a machine holds and what one costs."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from transforms.catalogs.gpu_names import UnknownGpuError, lookup_gpu

INTERCONNECT_KINDS = ("none", "nvlink", "nvlink_bridge", "pcie", "xgmi", "other")


def with_gpus(frame: pl.DataFrame, catalogs: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The configurations with `gpu` as its catalog key and what the estimate needs of the machine.

    Adds reported_memory_gib, interconnect_kind, link_gb_per_s, network_gb_per_s, nodes, usd_per_hour (of all GPUs),
    gpu_assumption, and gpu_problem and memory_problem (null where there is none); an unknown interconnect joins `problem`.
    Stated links and prices win over the catalogs'.
    """
    gpus, aliases = catalogs["gpus"], catalogs["gpu_aliases"]
    names = _gpu_names(frame["gpu"].unique().drop_nulls(), gpus, aliases)
    machines = gpus.select(
        "gpu",
        "reported_memory_gib",
        "link_gb_per_s",
        "pcie_gb_per_s",
        own_link=_kind_of_link(pl.col("link_type")),
    ).join(_machines_of(catalogs["shapes"]), on="gpu", how="left")
    prices = cheapest_per_gpu(catalogs["shapes"], catalogs["prices"])
    joined = frame.join(names, left_on="gpu", right_on="spelling", how="left", maintain_order="left", suffix="_key")
    joined = joined.with_columns(pl.coalesce("gpu_key", "gpu").alias("gpu")).drop("gpu_key")
    joined = joined.join(machines, on="gpu", how="left", maintain_order="left")
    joined = joined.join(prices, on="gpu", how="left", maintain_order="left")
    kind = pl.coalesce(pl.col("interconnect").str.to_lowercase(), "own_link")
    known_kind = kind.is_null() | kind.is_in(INTERCONNECT_KINDS)
    price = pl.coalesce("usd_per_gpu_hour", "cheapest_usd_per_gpu_hour")
    return joined.with_columns(
        problem=pl.coalesce(
            "problem",
            pl.when(~known_kind).then(
                pl.format(f"interconnect: {{}} is none of {', '.join(INTERCONNECT_KINDS)}", "interconnect")
            ),
        ),
        memory_problem=pl.when(pl.col("gpu_problem").is_null() & pl.col("reported_memory_gib").is_null()).then(
            pl.format("the memory of {} is not known", "gpu")
        ),
        interconnect=kind,
        interconnect_kind=kind,
        link_gb_per_s=pl.when(kind == "pcie").then("pcie_gb_per_s").when(kind == pl.col("own_link")).then("link_gb_per_s"),
        nodes=(pl.col("gpu_count") / pl.coalesce("machine_gpus", "gpu_count")).ceil().cast(pl.Int32),
        usd_per_gpu_hour=price,
        usd_per_hour=price * pl.col("gpu_count"),
    ).drop("pcie_gb_per_s", "own_link", "machine_gpus", "cheapest_usd_per_gpu_hour")


def _gpu_names(spellings: Iterable[str], gpus: pl.DataFrame, aliases: pl.DataFrame) -> pl.DataFrame:
    """Each spelling's catalog key and what it takes for granted, or what is wrong with it."""
    rows: list[tuple[str, str | None, str | None, str | None]] = []
    for spelling in spellings:
        try:
            match = lookup_gpu(spelling, gpus, aliases)
            rows.append((spelling, match.gpu, match.assumption, None))
        except UnknownGpuError as error:
            rows.append((spelling, None, None, str(error)))
    schema = {"spelling": pl.String, "gpu_key": pl.String, "gpu_assumption": pl.String, "gpu_problem": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _kind_of_link(link_type: pl.Expr) -> pl.Expr:
    """interconnect_kind of a GPU catalog's link_type (NVLink4, PCIe3, xGMI, …)."""
    lowered = link_type.str.to_lowercase()
    return (
        pl.when(lowered.str.starts_with("nvlink") & lowered.str.contains("bridge"))
        .then(pl.lit("nvlink_bridge"))
        .when(lowered.str.starts_with("nvlink"))
        .then(pl.lit("nvlink"))
        .when(lowered.str.starts_with("pcie"))
        .then(pl.lit("pcie"))
        .when(lowered.str.contains("xgmi|infinity"))
        .then(pl.lit("xgmi"))
        .when(lowered.is_not_null())
        .then(pl.lit("other"))
    )


def _machines_of(shapes: pl.DataFrame) -> pl.DataFrame:
    """Per GPU the most that one catalogued machine holds, and the fastest network between such machines."""
    return (
        shapes.filter(pl.col("gpu_count") >= 1)
        .group_by("gpu")
        .agg(machine_gpus=pl.col("gpu_count").max(), network_gb_per_s=pl.col("network_gb_per_s").max())
    )


def cheapest_per_gpu(shapes: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """The cheapest catalogued on-demand price per GPU-hour of each GPU: gpu, cheapest_usd_per_gpu_hour (USD/h)."""
    on_demand = prices.filter((pl.col("price_kind") == "on_demand") & pl.col("usd_per_hour").is_not_null())
    per_gpu = pl.col("usd_per_hour") / pl.col("gpu_count")
    priced = shapes.filter(pl.col("gpu_count") > 0).join(on_demand, on=["provider", "shape"])
    return priced.group_by("gpu").agg(cheapest_usd_per_gpu_hour=per_gpu.min())
