"""GuideLLM reports (0.2 to 0.6): one benchmark a concurrency or rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.sizing.records import FormatError, ImportedSweep, as_object, finite, item_row, level_row, not_empty, whole_number


def read_guidellm(name: str, document: Mapping[str, Any]) -> ImportedSweep:
    """A GuideLLM report; a request is a workflow item."""
    imported = ImportedSweep("guidellm")
    for benchmark in document["benchmarks"] or []:
        config, metrics = as_object(benchmark.get("config")), as_object(benchmark.get("metrics"))
        strategy = as_object(config.get("strategy")) or as_object(as_object(benchmark.get("args")).get("strategy"))
        concurrency = _guidellm_concurrency(name, strategy, metrics, imported)
        latency = _ended_well(metrics, "request_latency")
        requests = [entry for entry in as_object(benchmark.get("requests")).get("successful") or [] if isinstance(entry, dict)]
        times = [time for entry in requests if (time := _guidellm_latency(entry)) is not None]
        p95 = finite(as_object(latency.get("percentiles")).get("p95")) or finite(latency.get("p95"))
        totals = as_object(metrics.get("request_totals")) or as_object(benchmark.get("request_totals"))
        stats = as_object(benchmark.get("run_stats"))
        errored = int(totals.get("errored") or stats.get("total_errored") or 0)
        completed = totals.get("successful") or stats.get("total_successful")
        if p95 is None and not times and not errored:
            raise FormatError(f"{name}: a benchmark without metrics.request_latency.successful.percentiles.p95")
        level = level_row(concurrency, p95, p95, _guidellm_duration(benchmark, stats), errored > 0, items=completed)
        imported.measurements.append(
            level
            | {
                "failed_items": errored,
                "ttft_ms": _middle(_ended_well(metrics, "time_to_first_token_ms")),
                "tpot_ms": _middle(_ended_well(metrics, "inter_token_latency_ms")),
                "output_tokens_per_s": finite(_ended_well(metrics, "output_tokens_per_second").get("mean")),
                "mean_input_tokens": finite(_ended_well(metrics, "prompt_token_count").get("mean")),
                "mean_output_tokens": finite(_ended_well(metrics, "output_token_count").get("mean")),
            }
        )
        imported.workflow_items += [
            item_row(concurrency, number, str(number), time, time) for number, time in enumerate(times, 1)
        ]
        worker, backend = as_object(benchmark.get("worker")), as_object(config.get("backend"))
        imported.model = worker.get("backend_model") or backend.get("model") or imported.model
    return not_empty(imported, name)


def _guidellm_concurrency(name: str, strategy: Mapping[str, Any], metrics: Mapping[str, Any], imported: ImportedSweep) -> int:
    stated = strategy.get("streams") or strategy.get("max_concurrency")
    kind = strategy.get("type_")
    if kind == "synchronous":
        return 1
    if kind == "concurrent" and stated:
        return whole_number(stated, f"{name}: streams")
    mean = finite(_ended_well(metrics, "request_concurrency").get("mean"))
    if not mean:
        raise FormatError(
            f"{name}: a {kind or 'nameless'} benchmark without metrics.request_concurrency; use --rate-type concurrent"
        )
    imported.notes.append(
        f"a {kind or 'rate'} benchmark: its mean concurrency {mean:.1f} stands for it; better use --rate-type concurrent"
    )
    return max(1, round(mean))


def _guidellm_latency(entry: Mapping[str, Any]) -> float | None:
    return finite(entry.get("request_latency"))


def _guidellm_duration(benchmark: Mapping[str, Any], stats: Mapping[str, Any]) -> float | None:
    if (stated := finite(benchmark.get("duration"))) is not None:
        return stated
    start, end = (finite(benchmark.get(key, stats.get(key))) for key in ("start_time", "end_time"))
    return None if start is None or end is None else end - start


def _ended_well(metrics: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A metric's distribution over the requests that ended well; flat where a version does not break it down."""
    distribution = as_object(metrics.get(key))
    return as_object(distribution.get("successful")) or distribution


def _middle(distribution: Mapping[str, Any]) -> float | None:
    return finite(distribution.get("median")) or finite(as_object(distribution.get("percentiles")).get("p50"))
