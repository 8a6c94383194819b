"""Configurations as users write them, resolved to what the estimate macros take: defaults, aliases, contradictions.

Everything is a Polars expression over all rows at once; only distinct names (GPUs, engine versions) are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from transforms.asking.configured_gpus import with_gpus
from transforms.catalogs.policy_settings import setting

INPUT_COLUMNS: dict[str, str] = {
    "id": "text",
    "model_id": "text",
    "gpu": "text",
    "gpu_count": "count",
    "tp": "count",
    "pp": "count",
    "dp": "count",
    "ep": "whole",
    "quantization": "text",
    "kv_dtype": "text",
    "gpu_memory_utilization": "share",
    "max_model_len": "count",
    "max_num_seqs": "count",
    "max_num_batched_tokens": "count",
    "enforce_eager": "flag",
    "engine": "text",
    "engine_version": "text",
    "input_tokens": "count",
    "output_tokens": "count",
    "concurrency": "count",
    "cached_share": "part",
    "interconnect": "text",
    "usd_per_gpu_hour": "amount",
}
"""The columns of a configurations file, in order, and what each cell holds: count is a whole number from 1, whole from 0,
share above 0 and at most 1, part from 0 to 1, amount a number from 0, flag true or false."""

NOT_FOUND_CODES = ("not_found", "gated", "disabled", "network_failure", "no_config")
"""Rejects that leave a model unknown; with the others it is known and not supported."""

_WHOLE = r"^[+-]?\d+(\.0*)?$"
_TRUE, _FALSE = ("true", "1", "1.0", "yes"), ("false", "0", "0.0", "no")
_LARGEST = 2**53


class ConfigurationsError(ValueError):
    """The file of configurations cannot be read as one."""


def parse(frame: pl.DataFrame, first_row: int = 0) -> pl.DataFrame:
    """The configurations typed, in input order, with `row` (from `first_row` on) and `problem` (what is wrong, or null).

    Cells may be text or typed; blank is null. Raises ConfigurationsError when a column that every configuration needs is absent.
    """
    missing = [column for column in ("model_id", "gpu") if column not in frame.columns]
    if missing:
        raise ConfigurationsError(f"the configurations have no column {', '.join(missing)} (known: {', '.join(INPUT_COLUMNS)})")
    text = frame.select(
        (pl.col(column).cast(pl.String) if column in frame.columns else pl.lit(None, pl.String)).str.strip_chars().alias(column)
        for column in INPUT_COLUMNS
    ).with_columns(pl.when(pl.all() != "").then(pl.all()))
    typed = {column: _typed(column, kind) for column, kind in INPUT_COLUMNS.items()}
    problems = [
        pl.when(pl.col(column).is_not_null() & value.is_null()).then(pl.format(f"{column}: {{}} is not {_MEANS[kind]}", column))
        for (column, value), kind in zip(typed.items(), INPUT_COLUMNS.values(), strict=True)
    ]
    required = [pl.when(pl.col(column).is_null()).then(pl.lit(f"{column} is blank")) for column in ("model_id", "gpu")]
    parsed = text.select(pl.coalesce(*required, *problems).alias("problem"), **typed).with_row_index("row", first_row)
    return parsed.with_columns(pl.col("row").cast(pl.Int64), id=pl.coalesce("id", (pl.col("row") + 1).cast(pl.String)))


_MEANS = {
    "text": "text",
    "count": "a whole number of at least 1",
    "whole": "a whole number of at least 0",
    "share": "a number above 0 and at most 1",
    "part": "a number from 0 to 1",
    "amount": "a number of at least 0",
    "flag": "true or false",
}


def _typed(column: str, kind: str) -> pl.Expr:
    """The cell's value, null where it is blank or not of its kind."""
    cell = pl.col(column)
    if kind == "text":
        return cell
    if kind == "flag":
        lowered = cell.str.to_lowercase()
        return pl.when(lowered.is_in(_TRUE)).then(pl.lit(True)).when(lowered.is_in(_FALSE)).then(pl.lit(False))
    number = cell.cast(pl.Float64, strict=False)
    number = pl.when(number.is_finite() & (number <= _LARGEST)).then(number)
    if kind in ("count", "whole"):
        least = 1 if kind == "count" else 0
        return pl.when(cell.str.contains(_WHOLE) & (number >= least)).then(number).cast(pl.Int64)
    allowed = {"share": (number > 0) & (number <= 1), "part": number.is_between(0, 1), "amount": number >= 0}[kind]
    return pl.when(allowed).then(number)


def resolve(
    parsed: pl.DataFrame,
    models: pl.DataFrame,
    rejects: pl.DataFrame,
    catalogs: dict[str, pl.DataFrame],
    engine_version: Callable[[str, str | None], str],
) -> pl.DataFrame:
    """The configurations with defaults and aliases resolved, one row each in input order, plus `status` and `reason`.

    Args:
        parsed: as `parse` returns it.
        models: model_id, architecture_key, max_model_len_default, one row for each known model.
        rejects: model_id, code, message for the others.
        catalogs: gpus, gpu_aliases, quantizations, quantization_aliases, kv_dtypes, shapes, prices, policies.
        engine_version: (engine, version or None for the newest) → the `version_from` of the engines catalog; raises ValueError.

    Further columns returned are what the estimate needs of the machine: architecture_key, version_from, reported_memory_gib,
    interconnect_kind, link_gb_per_s, network_gb_per_s, nodes, usd_per_hour.
    """
    resolved = _with_layout(parsed)
    resolved = _with_models(resolved, models, rejects)
    resolved = with_gpus(resolved, catalogs)
    resolved = _with_precisions(resolved, catalogs)
    resolved = _with_engine(resolved, engine_version)
    resolved = _with_load(resolved, catalogs["policies"])
    unsupported = ("model_problem", "memory_problem", "precision_problem", "engine_problem")
    status = (
        pl.when(pl.col("problem").is_not_null())
        .then(pl.lit("bad_input"))
        .when(pl.col("model_problem").is_not_null() & pl.col("model_code").is_in(NOT_FOUND_CODES))
        .then(pl.lit("unknown_model"))
        .when(pl.col("gpu_problem").is_not_null())
        .then(pl.lit("unknown_gpu"))
        .when(pl.coalesce(unsupported).is_not_null())
        .then(pl.lit("unsupported"))
        .otherwise(pl.lit("ok"))
    )
    reason = (
        pl.when(status == "bad_input")
        .then("problem")
        .when(status == "unknown_model")
        .then("model_problem")
        .when(status == "unknown_gpu")
        .then("gpu_problem")
        .when(status == "unsupported")
        .then(pl.coalesce(unsupported))
    )
    return resolved.with_columns(status=status, reason=reason).sort("row")


def for_evaluation(resolved: pl.DataFrame) -> pl.DataFrame:
    """The rows of status ok in the columns that the table macro `evaluate` takes; `id` is the row number."""
    return resolved.filter(pl.col("status") == "ok").select(
        pl.col("row").cast(pl.String).alias("id"),
        "architecture_key",
        "gpu",
        "reported_memory_gib",
        "interconnect_kind",
        "link_gb_per_s",
        "network_gb_per_s",
        "nodes",
        *(pl.col(column).cast(pl.Int32) for column in ("gpu_count", "tp", "pp", "dp", "ep")),
        "quantization",
        "kv_dtype",
        "gpu_memory_utilization",
        pl.col("max_model_len").alias("context"),
        *(pl.col(column).cast(pl.Int32) for column in ("max_num_seqs", "max_num_batched_tokens")),
        "enforce_eager",
        "engine",
        pl.col("version_from").alias("engine_version"),
        "input_tokens",
        "output_tokens",
        "concurrency",
        "cached_share",
        "usd_per_hour",
    )


def _with_layout(frame: pl.DataFrame) -> pl.DataFrame:
    """pp, dp and ep default to 1; tp follows from the GPU count or the count from tp; what does not multiply out is a problem."""
    copies = pl.col("pp") * pl.col("dp")
    frame = frame.with_columns(
        pl.col("pp").fill_null(1), pl.col("dp").fill_null(1), pl.max_horizontal(pl.col("ep").fill_null(1), 1)
    )
    frame = frame.with_columns(
        problem=pl.coalesce(
            "problem",
            pl.when(pl.col("tp").is_null() & (pl.col("gpu_count") % copies != 0)).then(
                pl.format("gpu_count {} is not a multiple of pp {} × dp {}", "gpu_count", "pp", "dp")
            ),
        ),
        tp=pl.coalesce("tp", pl.col("gpu_count") // copies, 1),
    )
    product = pl.col("tp") * copies
    experts_over = pl.col("tp") * pl.col("dp")
    return frame.with_columns(
        problem=pl.coalesce(
            "problem",
            pl.when(pl.col("gpu_count") != product).then(
                pl.format("gpu_count {} is not tp {} × pp {} × dp {} = {}", "gpu_count", "tp", "pp", "dp", product)
            ),
            pl.when(experts_over % pl.col("ep") != 0).then(
                pl.format("ep {} does not divide tp {} × dp {} = {}", "ep", "tp", "dp", experts_over)
            ),
        ),
        gpu_count=pl.coalesce("gpu_count", product),
    )


def _with_models(frame: pl.DataFrame, models: pl.DataFrame, rejects: pl.DataFrame) -> pl.DataFrame:
    known = models.select("model_id", "architecture_key", "max_model_len_default")
    refused = rejects.select("model_id", model_code="code", model_problem="message")
    joined = frame.join(known, on="model_id", how="left", maintain_order="left")
    joined = joined.join(refused, on="model_id", how="left", maintain_order="left")
    unknown = pl.col("architecture_key").is_null()
    return joined.with_columns(
        model_code=pl.when(unknown).then(pl.col("model_code").fill_null("not_found")),
        model_problem=pl.when(unknown).then(pl.col("model_problem").fill_null(pl.format("no facts are known of {}", "model_id"))),
        max_model_len=pl.coalesce("max_model_len", "max_model_len_default"),
    )


def _with_precisions(frame: pl.DataFrame, catalogs: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """quantization and kv_dtype by their catalog names; others are a problem that names the known ones."""
    names = catalogs["quantizations"]["quantization"]
    aliases = catalogs["quantization_aliases"].select(asked=pl.col("alias").str.to_lowercase(), meant="quantization")
    known = pl.concat([aliases, pl.DataFrame({"asked": names.str.to_lowercase(), "meant": names})]).unique("asked", keep="last")
    joined = frame.with_columns(
        quantization=pl.col("quantization").fill_null("native"), kv_dtype=pl.col("kv_dtype").fill_null("auto").str.to_lowercase()
    ).join(known, left_on=pl.col("quantization").str.to_lowercase(), right_on="asked", how="left", maintain_order="left")
    kv_dtypes = catalogs["kv_dtypes"]["kv_dtype"]
    return joined.with_columns(
        precision_problem=pl.coalesce(
            pl.when(pl.col("meant").is_null()).then(
                pl.format(f"quantization {{}} is none of {', '.join(names.sort())}", "quantization")
            ),
            pl.when(~pl.col("kv_dtype").is_in(kv_dtypes.to_list())).then(
                pl.format(f"kv_dtype {{}} is none of {', '.join(kv_dtypes.sort())}", "kv_dtype")
            ),
        ),
        quantization=pl.coalesce("meant", "quantization"),
    ).drop("meant", "asked", strict=False)


def _with_engine(frame: pl.DataFrame, engine_version: Callable[[str, str | None], str]) -> pl.DataFrame:
    """engine defaults to vllm, the version to the newest catalogued; `version_from` is the catalog row that holds for it."""
    frame = frame.with_columns(pl.col("engine").fill_null("vllm").str.to_lowercase())
    rows: list[tuple[str, str | None, str | None, str | None]] = []
    for engine, asked in frame.select("engine", "engine_version").unique().iter_rows():
        try:
            rows.append((engine, asked, engine_version(engine, asked), None))
        except ValueError as error:
            rows.append((engine, asked, None, str(error)))
    schema = {"engine": pl.String, "engine_version": pl.String, "version_from": pl.String, "engine_problem": pl.String}
    versions = pl.DataFrame(rows, schema=schema, orient="row")
    joined = frame.join(versions, on=["engine", "engine_version"], how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(engine_version=pl.coalesce("engine_version", "version_from"))


def _with_load(frame: pl.DataFrame, policies: pl.DataFrame) -> pl.DataFrame:
    """The estimate policy's tokens in and out unless stated (less where the context is shorter), one request, nothing cached."""
    default_input, default_output = (int(setting(policies, "estimate", key)) for key in ("input_tokens", "output_tokens"))
    length = pl.col("max_model_len")
    both_blank = pl.col("input_tokens").is_null() & pl.col("output_tokens").is_null()
    left = pl.when(both_blank).then(length // 2).otherwise(length - pl.coalesce("input_tokens", "output_tokens"))
    left = pl.when(length.is_not_null()).then(pl.max_horizontal(left, 1))
    frame = frame.with_columns(
        input_tokens=pl.coalesce("input_tokens", pl.min_horizontal(left, default_input)),
        output_tokens=pl.coalesce("output_tokens", pl.min_horizontal(left, default_output)),
        concurrency=pl.col("concurrency").fill_null(1),
        cached_share=pl.col("cached_share").fill_null(0.0),
        enforce_eager=pl.col("enforce_eager").fill_null(False),
    )
    too_long = pl.format(
        "a request of {} + {} tokens is longer than max_model_len {}", "input_tokens", "output_tokens", "max_model_len"
    )
    return frame.with_columns(
        problem=pl.coalesce("problem", pl.when(pl.sum_horizontal("input_tokens", "output_tokens") > length).then(too_long))
    )


RESULT_COLUMNS: tuple[str, ...] = (
    "status",
    "verdict",
    "fits",
    "outcome",
    "reason",
    "weights_gib_per_gpu",
    "activation_gib_per_gpu",
    "non_torch_gib_per_gpu",
    "kv_cache_gib_per_gpu",
    "kv_cache_tokens",
    "max_context",
    "max_sequences",
    "ttft_ms",
    "tpot_ms",
    "output_tokens_per_s",
    "bound_by",
    "calibration",
    "usd_per_million_output_tokens",
    "ttft_low_ms",
    "ttft_high_ms",
    "tpot_low_ms",
    "tpot_high_ms",
    "output_low_tokens_per_s",
    "output_high_tokens_per_s",
)
"""What an estimate adds to its configuration, in order."""

_ENGINE_DEFAULTS = ("gpu_memory_utilization", "max_num_seqs", "max_num_batched_tokens")


def assemble(resolved: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """The answer: each configuration as resolved, with its results, in input order.

    Args:
        resolved: as `resolve` returns it.
        results: what the macro `evaluate` made of `for_evaluation(resolved)`; `id` is the row number.
    """
    answers = results.select(
        pl.col("id").cast(pl.Int64).alias("row"),
        *(pl.col(column).alias(f"evaluated_{column}") for column in (*_ENGINE_DEFAULTS, "reason")),
        *(column for column in RESULT_COLUMNS if column not in ("status", "reason")),
    )
    joined = resolved.join(answers, on="row", how="left", maintain_order="left")
    assumed = pl.when(pl.col("status") == "ok").then(pl.format("gpu: {}", "gpu_assumption"))
    reason = pl.concat_str(pl.coalesce("reason", "evaluated_reason"), assumed, separator="; ", ignore_nulls=True)
    return joined.with_columns(
        reason=pl.when(reason != "").then(reason),
        **{column: pl.coalesce(column, f"evaluated_{column}") for column in _ENGINE_DEFAULTS},
    ).select(*INPUT_COLUMNS, *RESULT_COLUMNS)
