"""The memory coefficients of the engines catalog, fitted on start-up logs: `python -m tests.benchmarks.fit_memory`.

A group is one source, model and GPU: rows of a group are repeats, not evidence. A coefficient is the median over its groups'
medians, and its error is what the median of the other groups misses each group by (one group left out at a time). Bands are the
90 % quantile of the groups' mean absolute error of the pool.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.ask.estimate import estimate
from flows.ask.model_facts import find_models
from flows.lake.catalogs import load_catalogs
from flows.lake.snapshot import read_snapshot
from tests.benchmarks.calibration import CalibrationError, as_configurations, calibration_directory, read_startups

GIB = 1024**3
BAND_QUANTILE = 0.9


@dataclass(frozen=True)
class Coefficient:
    """A coefficient as each log implies it.

    Args:
        name: scope and key of the engines catalog.
        rows: which start-ups imply it.
        value: what a start-up implies, in the coefficient's own unit.
        weight: GiB that one unit is worth, for the error in GiB.
    """

    name: str
    rows: pl.Expr
    value: pl.Expr
    weight: pl.Expr


def main() -> int:
    """Print coefficients and bands; 2 without measurements."""
    try:
        directory = calibration_directory()
    except CalibrationError as error:
        print(error, file=sys.stderr)
        return 2
    rows = with_implied_terms(directory)
    print(f"{'coefficient':<52} {'rows':>4} {'groups':>6} {'median':>9} {'least':>8} {'most':>8} {'left-out error, GiB':>20}")
    for coefficient in COEFFICIENTS:
        print_coefficient(coefficient, rows)
    print_bands(rows)
    return 0


def with_implied_terms(directory: Path) -> pl.DataFrame:
    """Start-ups of known version beside their estimate, the architecture's facts, and the terms that follow from them.

    `rest_gib` is what the log leaves for memory outside the framework: allowed less weights, pool, the engine's own estimate of
    the graphs (from 0.20) and the activations, measured where stated and estimated else.
    """
    catalogs = load_catalogs()
    startups = read_startups(directory, read_snapshot()["models"]["model_id"])
    with TemporaryDirectory() as data:
        configurations = as_configurations(startups)
        answers = estimate(configurations, Path(data))
        facts = find_models(configurations["model_id"].unique(), Path(data))
    architectures = facts.models.select("model_id", "architecture_key").join(facts.architectures, on="architecture_key")
    told = answers.filter(pl.col("status") == "ok").select(
        "id", "gpu", "quantization", asked_model="model_id", asked_seqs="max_num_seqs", asked_tokens="max_num_batched_tokens",
        asked_ep="ep", share="gpu_memory_utilization", interconnect="interconnect",
        **{f"estimated_{name}": f"{name}_gib_per_gpu" for name in ("weights", "activation", "non_torch", "kv_cache")},
    )  # fmt: skip
    joined = (
        startups.filter("scored")
        .drop("gpu", "asked_model")
        .join(told, on="id")
        .join(architectures, left_on="asked_model", right_on="model_id")
        .join(catalogs["gpus"].select("gpu", "vendor", "capability", "reported_memory_gib"), on="gpu")
    )
    expert_width = pl.col("moe_intermediate_size") / pl.when(pl.col("asked_ep") > 1).then(1).otherwise("tp")
    hidden = pl.col("hidden_size")
    minor = pl.col("release").str.split(".").list.get(1).cast(pl.Int64)
    return joined.with_columns(
        minor=minor,
        shared=pl.col("gpu").is_in(
            catalogs["engines"].filter((pl.col("key") == "unified_memory") & (pl.col("value") == 1))["scope"].unique().to_list()
        ),
        sampled=pl.col("asked_seqs") * pl.col("vocab_size") / GIB,
        routed=2
        * pl.col("asked_tokens")
        * pl.col("experts_per_token")
        * (pl.max_horizontal(hidden, expert_width) + pl.max_horizontal(hidden, 2 * expert_width))
        / GIB,
        rest_gib=pl.col("share") * pl.coalesce("gpu_memory_gib_reported", "reported_memory_gib")
        - pl.coalesce("weights_gib_per_gpu", "estimated_weights")
        - pl.col("kv_cache_gib_per_gpu")
        - pl.when(minor >= 20).then("graphs_estimated_gib").otherwise(0)
        - pl.coalesce("activation_peak_gib", "estimated_activation"),
        pool_error=pl.col("estimated_kv_cache") - pl.col("kv_cache_gib_per_gpu"),
        versioned=pl.col("kind") == "versioned",
    )


_DENSE = pl.col("moe_layers") == 0
_PLAIN = _DENSE & (pl.col("parameters_vision_audio") == 0) & pl.col("activation_peak_gib").is_not_null()
_VERSIONED, _NVIDIA = pl.col("versioned"), (pl.col("vendor") == "NVIDIA") & ~pl.col("shared")
_SAMPLER = pl.col("activation_peak_gib") / pl.col("sampled")
_OLD, _MIDDLE, _NEW = pl.col("minor") < 17, pl.col("minor").is_between(17, 19), pl.col("minor") >= 20
_OTHER = pl.coalesce("non_torch_gib", "rest_gib")
_ONE = pl.lit(1.0)
_MANY, _SWITCHED = pl.col("gpu_count") > 1, pl.col("interconnect") != "pcie"

COEFFICIENTS = (
    Coefficient("all sampler_bytes_per_sequence_and_token, V0", _PLAIN & (pl.col("kind") == "v0"), _SAMPLER, pl.col("sampled")),
    Coefficient("all sampler_bytes_per_sequence_and_token, <= 0.16", _PLAIN & _VERSIONED & _OLD, _SAMPLER, pl.col("sampled")),
    Coefficient("all sampler_bytes_per_sequence_and_token, >= 0.17", _PLAIN & _VERSIONED & ~_OLD, _SAMPLER, pl.col("sampled")),
    Coefficient(
        "moe expert_workspace_factor, 0.17 to 0.19",
        ~_DENSE & _VERSIONED & _MIDDLE & pl.col("activation_peak_gib").is_not_null(),
        (pl.col("activation_peak_gib") - 15.3 * pl.col("sampled")) / pl.col("routed"),
        pl.col("routed"),
    ),
    Coefficient("single non_torch_gib, V0", (pl.col("kind") == "v0") & ~_MANY & _NVIDIA, pl.col("non_torch_gib"), _ONE),
    Coefficient("single non_torch_gib, <= 0.17", _VERSIONED & (pl.col("minor") < 18) & ~_MANY & _NVIDIA, _OTHER, _ONE),
    Coefficient(
        "single non_torch_gib, 0.18 and 0.19", _VERSIONED & pl.col("minor").is_in([18, 19]) & ~_MANY & _NVIDIA, _OTHER, _ONE
    ),
    Coefficient("single non_torch_gib, >= 0.20", _VERSIONED & _NEW & ~_MANY & _NVIDIA, _OTHER, _ONE),
    Coefficient("nvlink non_torch_gib, 0.18 and 0.19", _VERSIONED & _MIDDLE & _MANY & _SWITCHED & _NVIDIA, _OTHER, _ONE),
    Coefficient(
        "nvlink non_torch_gib, >= 0.20",
        _VERSIONED & _NEW & _MANY & _SWITCHED & _NVIDIA & (pl.col("capability") < 10),
        _OTHER,
        _ONE,
    ),
    Coefficient(
        "nvlink_blackwell non_torch_gib, >= 0.20",
        _VERSIONED & _NEW & _MANY & _SWITCHED & _NVIDIA & (pl.col("capability") >= 10),
        _OTHER,
        _ONE,
    ),
    Coefficient("pcie non_torch_gib", _VERSIONED & _MANY & ~_SWITCHED & _NVIDIA, _OTHER, _ONE),
    Coefficient("amd non_torch_gib", pl.col("vendor") == "AMD", _OTHER, _ONE),
    Coefficient("unified non_torch_gib", pl.col("shared"), _OTHER, _ONE),
    Coefficient(
        "nvidia cuda_graphs_gib_per_layer, estimated",
        _NVIDIA & (pl.col("mla_layers") == 0),
        pl.col("graphs_estimated_gib") / pl.col("layers"),
        pl.col("layers"),
    ),
    Coefficient(
        "mla cuda_graphs_gib_per_layer, estimated",
        _NVIDIA & (pl.col("mla_layers") > 0),
        pl.col("graphs_estimated_gib") / pl.col("layers"),
        pl.col("layers"),
    ),
    Coefficient(
        "nvidia cuda_graphs_gib_per_layer, captured to 0.19",
        _NVIDIA & _VERSIONED & ~_NEW & (pl.col("mla_layers") == 0),
        pl.col("graphs_gib") / pl.col("layers"),
        pl.col("layers"),
    ),
)


def print_coefficient(coefficient: Coefficient, rows: pl.DataFrame) -> None:
    """One line: the median over groups and what it misses a group by when that group is left out."""
    implied = rows.filter(coefficient.rows).select("group", value=coefficient.value, weight=coefficient.weight.cast(pl.Float64))
    implied = implied.drop_nulls("value")
    groups = implied.group_by("group").agg(pl.median("value"), pl.mean("weight")).sort("group")
    if groups.is_empty():
        print(f"{coefficient.name:<52} {0:>4}")
        return
    values, weights = groups["value"], groups["weight"]
    misses = [
        abs(pl.concat([values[:index], values[index + 1 :]]).median() - values[index]) * weights[index]
        for index in range(len(values))
        if len(values) > 1
    ]
    error = f"{sum(misses) / len(misses):.3f}" if misses else "-"
    print(
        f"{coefficient.name:<52} {implied.height:>4} {groups.height:>6} {values.median():>9.4f} {values.min():>8.4f}"
        f" {values.max():>8.4f} {error:>20}"
    )


def print_bands(rows: pl.DataFrame) -> None:
    """The pool's error by engine version, GPU class and architecture class, groups as one measurement each."""
    classed = rows.filter(pl.col("pool_error").is_not_null() & (pl.col("kind") != "other_engine")).with_columns(
        versions=pl.when(pl.col("kind") == "v0")
        .then(pl.lit("V0"))
        .when(pl.col("minor").is_null())
        .then(pl.lit("unknown"))
        .when(_OLD)
        .then(pl.lit("0.9 to 0.16"))
        .when(_NEW)
        .then(pl.lit("0.20 and newer"))
        .otherwise(pl.lit("0.17 to 0.19")),
        cards=pl.when("shared")
        .then(pl.lit("unified"))
        .when(pl.col("vendor") == "AMD")
        .then(pl.lit("amd"))
        .otherwise(pl.lit("nvidia")),
        architecture=pl.when(_DENSE).then(pl.lit("dense")).otherwise(pl.lit("moe")),
    )
    groups = classed.group_by("versions", "cards", "architecture", "group").agg(pl.col("pool_error").abs().mean())
    bands = groups.group_by("versions", "cards", "architecture").agg(
        groups=pl.len(),
        mean=pl.col("pool_error").mean(),
        quantile=pl.col("pool_error").quantile(BAND_QUANTILE, "linear"),
        most=pl.col("pool_error").max(),
    )
    print(
        f"\n{'pool error, GiB':<16} {'cards':<8} {'models':<6} {'groups':>6} {'mean':>6} {f'{BAND_QUANTILE:.0%}':>6} {'most':>6}"
    )
    for row in bands.sort("cards", "versions", "architecture").iter_rows():
        print(f"{row[0]:<16} {row[1]:<8} {row[2]:<6} {row[3]:>6} {row[4]:>6.2f} {row[5]:>6.2f} {row[6]:>6.2f}")


if __name__ == "__main__":
    sys.exit(main())
