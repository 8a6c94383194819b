"""The Config Recommender's files: models and GPUs as JSON in, its report out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import polars as pl

GPU_SCHEMA = {
    "name": pl.String(),
    "memory_gb": pl.Float64(),
    "memory_bandwidth_gb_s": pl.Float64(),
    "tflops_fp16": pl.Float64(),
    "tflops_fp32": pl.Float64(),
    "cost_per_hour": pl.Float64(),
}
"""The fields of a GPU file and of the table that the policy's macro reads; GB is 10^9 bytes, cost in USD."""

PRECISION_BYTES = {"fp32": 4, "fp16": 2, "bf16": 2, "fp8": 1, "int8": 1}
"""Bytes of a value of each precision that the tool takes."""

_NEEDED = ("name", "memory_gb", "memory_bandwidth_gb_s", "tflops_fp16")


class RecommenderFileError(ValueError):
    """A file of models or GPUs that cannot be read as one; the message names the entry."""


def parse_models(text: str, file: str) -> list[str]:
    """The model ids of a models file: a JSON list of objects with a `name`. Raises RecommenderFileError."""
    return [str(_text(entry, "name", f"{file}, model {number}")) for number, entry in _entries(text, file, {"name"})]


def parse_gpus(text: str, file: str) -> pl.DataFrame:
    """The GPUs of a GPU file as a frame of GPU_SCHEMA. Raises RecommenderFileError."""
    rows = []
    for number, entry in _entries(text, file, set(GPU_SCHEMA)):
        where = f"{file}, GPU {number}"
        row: dict[str, object] = {"name": _text(entry, "name", where)}
        for column in list(GPU_SCHEMA)[1:]:
            value = entry.get(column)
            if value is None and column not in _NEEDED:
                row[column] = None
                continue
            least = 0 if column == "cost_per_hour" else math.ulp(0)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
                raise RecommenderFileError(f"{where}: {column} must be a positive number, not {json.dumps(value)[:40]}")
            row[column] = float(value)
        rows.append(row)
    names = [row["name"] for row in rows]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise RecommenderFileError(f"{file}: two GPUs are called {repeated}")
    return pl.DataFrame(rows, schema=GPU_SCHEMA, orient="row")


def catalog_gpus(gpus: pl.DataFrame, cheapest: pl.DataFrame, bytes_per_gib: float = 2**30 / 1e9) -> pl.DataFrame:
    """The gpus catalog as such a table: those with known rates, at the cheapest catalogued price of one.

    `cheapest` has gpu and cheapest_usd_per_gpu_hour. Rates in 32 bit are not catalogued.
    """
    return (
        gpus.join(cheapest, on="gpu", how="left")
        .select(
            name="gpu",
            memory_gb=pl.col("memory_gib") * bytes_per_gib,
            memory_bandwidth_gb_s="memory_bandwidth_gb_per_s",
            tflops_fp16="fp16_tflops",
            tflops_fp32=pl.lit(None, pl.Float64),
            cost_per_hour="cheapest_usd_per_gpu_hour",
        )
        .drop_nulls(list(_NEEDED))
    )


def recommendation(model: str, rows: Sequence[Mapping[str, object]], latency_bound_ms: float | None) -> dict[str, object]:
    """The tool's entry for one model, from the rows of the policy's macro, best first."""
    compatible = [row for row in rows if row["is_compatible"]]
    others = [{"gpu": row["name"], "reason": _why_not(row, latency_bound_ms)} for row in rows if not row["is_compatible"]]
    if not compatible:
        least = min((row["memory_required_gb"] for row in rows), default=None)
        bound = f" within {latency_bound_ms:g} ms a token" if latency_bound_ms is not None else ""
        needs = f": it needs {least:.1f} GB" if least is not None else ""
        return _entry(model, None, f"No GPU of those given takes {model}{bound}{needs}.", [], others)
    best = compatible[0]
    limit = "compute" if best["compute_bound"] else "memory bandwidth"
    cost = f" Cost: ${best['cost_per_hour']:.2f}/hour." if best["cost_per_hour"] is not None else ""
    reasoning = (
        f"Selected {best['name']} for {model}. Throughput: {best['tokens_per_second']:.2f} tokens/sec, "
        f"{best['intertoken_latency_ms']:.2f} ms a token, bound by {limit}. Memory: {best['memory_required_gb']:.1f} of "
        f"{best['memory_gb']:.1f} GB.{cost} The fastest of {len(compatible)} compatible GPUs, cheaper first on ties."
    )
    return _entry(model, best, reasoning, compatible, others)


def refused(model: str, message: str) -> dict[str, object]:
    """The entry of a model that has no estimate."""
    return _entry(model, None, message, [], [])


def _entry(
    model: str,
    best: Mapping[str, object] | None,
    reasoning: str,
    compatible: Sequence[Mapping[str, object]],
    others: list[dict[str, object]],
) -> dict[str, object]:
    return {
        "model_name": model,
        "recommended_gpu": best["name"] if best else None,
        "performance": _performance(best) if best else None,
        "reasoning": reasoning,
        "all_compatible_gpus": [
            {"gpu": row["name"], **_performance(row), "cost_per_hour": row["cost_per_hour"]} for row in compatible
        ],
        "incompatible_gpus": others,
    }


def _performance(row: Mapping[str, object]) -> dict[str, object]:
    names = ("tokens_per_second", "intertoken_latency_ms", "memory_required_gb", "fits_in_memory", "compute_bound")
    return {name: row[name] for name in names}


def _why_not(row: Mapping[str, object], latency_bound_ms: float | None) -> str:
    if not row["fits_in_memory"]:
        return f"needs {row['memory_required_gb']:.1f} GB, has {row['memory_gb']:.1f}"
    if row["intertoken_latency_ms"] is None:
        return "its rate in this precision is not known"
    return f"{row['intertoken_latency_ms']:.2f} ms a token, above the bound of {latency_bound_ms:g}"


def _entries(text: str, file: str, known: set[str]) -> list[tuple[int, dict[str, object]]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecommenderFileError(f"{file} is not JSON: {error}") from None
    if not isinstance(document, list) or not document or not all(isinstance(entry, dict) for entry in document):
        raise RecommenderFileError(f"{file}: a list of objects is needed")
    for number, entry in enumerate(document, 1):
        unknown = sorted(set(entry) - known)
        if unknown:
            raise RecommenderFileError(f"{file}, entry {number}: no such field {unknown[0]} (known: {', '.join(sorted(known))})")
    return list(enumerate(document, 1))


def _text(entry: dict[str, object], name: str, where: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise RecommenderFileError(f"{where}: {name} is missing")
    return value
