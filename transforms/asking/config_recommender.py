"""The Config Recommender's answer: for each model the GPU that it recommends, its performance, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Row = Mapping[str, Any]
"""One model on one GPU: a row of `sql/policies/config_recommender.sql`, which says what each column is."""

_DECIMALS = 4

PRECISION_BYTES = {"fp32": 4, "fp16": 2, "bf16": 2, "fp8": 1, "int8": 1}
"""Bytes of a value of each precision that the tool takes."""

OBJECTIVES = {
    "performance": "the fastest of {} compatible GPUs, the cheaper first on ties",
    "cost": "the cheapest an hour of {} compatible GPUs, the faster first on ties",
    "balanced": "the cheapest per token of {} compatible GPUs, the faster first on ties",
}
"""What the best GPU is; `performance` is the tool's own rule."""


@dataclass(frozen=True)
class PerformanceEstimate:
    """One model on one GPU: tokens per second, milliseconds per token, and memory in GB (10^9 bytes) by part."""

    tokens_per_second: float | None
    intertoken_latency_ms: float | None
    memory_required_gb: float
    memory_weights_gb: float
    memory_kv_cache_gb: float
    memory_activations_gb: float
    fits_in_memory: bool
    compute_bound: bool | None

    @property
    def latency_ms_per_token(self) -> float | None:
        """The same as intertoken_latency_ms, by the name that the tool's Python examples use."""
        return self.intertoken_latency_ms


@dataclass(frozen=True)
class RecommendationResult:
    """The answer for one model; recommended_gpu and performance are None where no GPU will do, and the reasoning says why."""

    model_name: str
    recommended_gpu: str | None
    performance: PerformanceEstimate | None
    reasoning: str
    all_compatible_gpus: list[dict[str, object]]
    incompatible_gpus: list[dict[str, object]]

    def to_dict(self) -> dict[str, object]:
        """The tool's JSON entry."""
        return asdict(self)


def recommendation(
    model: str,
    rows: Sequence[Row],
    latency_bound_ms: float | None = None,
    objective: str = "performance",
    precision: str | None = None,
) -> RecommendationResult:
    """The answer for one model, from the rows of the policy's macro, best first by the objective."""
    asked = precision or "fp16"
    compatible = [row for row in rows if row["is_compatible"]]
    others = [_gpu(row) | {"reason": _why_not(row, latency_bound_ms)} for row in rows if not row["is_compatible"]]
    if not compatible:
        return RecommendationResult(model, None, None, _nothing(model, rows, latency_bound_ms, asked), [], others)
    best = compatible[0]
    limit = "compute" if best["compute_bound"] else "memory bandwidth"
    parts = [
        f"Selected {best['name']} for {model} in {asked}: {OBJECTIVES[objective].format(len(compatible))}.",
        f"Throughput: {best['tokens_per_second']:.2f} tokens/sec.",
        f"Latency: {best['intertoken_latency_ms']:.2f} ms a token, bound by {limit}.",
        f"Memory: {best['memory_required_gb']:.1f} of {best['memory_gb']:.1f} GB ({_parts(best)}).",
    ]
    if best["cost_per_hour"] is not None:
        parts.append(f"Cost: ${best['cost_per_hour']:.2f}/hour.")
    if len(compatible) > 1:
        second = compatible[1]
        parts.append(f"Next: {second['name']} ({second['tokens_per_second']:.2f} tokens/sec{_price(second)}).")
    return RecommendationResult(model, best["name"], _estimate(best), " ".join(parts), [_gpu(row) for row in compatible], others)


def refused(model: str, message: str) -> RecommendationResult:
    """The answer for a model that has no estimate."""
    return RecommendationResult(model, None, None, message, [], [])


def _nothing(model: str, rows: Sequence[Row], latency_bound_ms: float | None, precision: str) -> str:
    """Why no GPU will do: memory, the bound, or rates that are not known."""
    held = [row for row in rows if row["fits_in_memory"]]
    if not held:
        largest = max(rows, key=lambda row: row["memory_gb"])
        return (
            f"No compatible GPU: {model} needs {largest['memory_required_gb']:.1f} GB in {precision} ({_parts(largest)}); "
            f"the largest GPU given, {largest['name']}, has {largest['memory_gb']:.1f} GB."
        )
    timed = [row for row in held if row["intertoken_latency_ms"] is not None]
    if not timed:
        return f"No compatible GPU: {model} fits, but no GPU that holds it has a known rate in {precision}."
    fastest = min(timed, key=lambda row: row["intertoken_latency_ms"])
    return (
        f"No GPU meets the latency bound of {latency_bound_ms:g} ms a token for {model}: the fastest that holds it, "
        f"{fastest['name']}, takes {fastest['intertoken_latency_ms']:.2f} ms."
    )


def _estimate(row: Row) -> PerformanceEstimate:
    return PerformanceEstimate(
        tokens_per_second=_rounded(row["tokens_per_second"]),
        intertoken_latency_ms=_rounded(row["intertoken_latency_ms"]),
        memory_required_gb=round(row["memory_required_gb"], _DECIMALS),
        memory_weights_gb=round(row["weights_gb"], _DECIMALS),
        memory_kv_cache_gb=round(row["kv_cache_gb"], _DECIMALS),
        memory_activations_gb=round(row["activation_gb"], _DECIMALS),
        fits_in_memory=row["fits_in_memory"],
        compute_bound=row["compute_bound"],
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)


def _gpu(row: Row) -> dict[str, object]:
    return {
        "gpu_name": row["name"],
        **asdict(_estimate(row)),
        "memory_available_gb": row["memory_gb"],
        "cost_per_hour": row["cost_per_hour"],
    }


def _parts(row: Row) -> str:
    return f"weights {row['weights_gb']:.1f}, KV cache {row['kv_cache_gb']:.2f}, activations {row['activation_gb']:.2f} GB"


def _price(row: Row) -> str:
    return f", ${row['cost_per_hour']:.2f}/hour" if row["cost_per_hour"] is not None else ""


def _why_not(row: Row, latency_bound_ms: float | None) -> str:
    if not row["fits_in_memory"]:
        return f"needs {row['memory_required_gb']:.1f} GB, has {row['memory_gb']:.1f} GB"
    if row["intertoken_latency_ms"] is None:
        return "its arithmetic rate in this precision is not known"
    return f"{row['intertoken_latency_ms']:.2f} ms a token, above the bound of {latency_bound_ms:g} ms"
