"""`vllm bench serve` results: one JSON object a run at one concurrency, or a list, or one a line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from transforms.sizing.records import (
    FormatError,
    ImportedSweep,
    finite,
    item_row,
    level_row,
    not_empty,
    ratio,
    scaled,
    whole_number,
)


def read_vllm(name: str, documents: Iterable[Mapping[str, Any]], stated: int | None) -> ImportedSweep:
    """Results of `vllm bench serve`; a request is a workflow item."""
    imported = ImportedSweep("vllm")
    for result in documents:
        imported.model = result.get("model_id") or imported.model
        concurrency = result.get("max_concurrency") or stated
        if concurrency is None:
            raise FormatError(f"{name}: it was run without --max-concurrency; say the concurrency with --concurrency")
        concurrency = whole_number(concurrency, f"{name}: max_concurrency")
        failures = [bool(error) for error in result.get("errors") or []]
        latencies = _vllm_latencies(result)
        failed = int(
            result.get("failed") or sum(failures) or max(0, int(result.get("num_prompts") or 0) - int(result["completed"]))
        )
        p95 = scaled(result.get("p95_e2el_ms"), 1e-3)
        if p95 is None and not latencies and int(result["completed"]):
            raise FormatError(
                f"{name}: no p95_e2el_ms and no single times; run vllm bench serve with --save-detailed, or with "
                "--percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 95"
            )
        level = level_row(concurrency, p95, p95, finite(result.get("duration")), failed > 0, items=int(result["completed"]))
        imported.measurements.append(
            level
            | {
                "failed_items": failed,
                "ttft_ms": finite(result.get("median_ttft_ms")),
                "tpot_ms": finite(result.get("median_tpot_ms")),
                "output_tokens_per_s": finite(result.get("output_throughput")),
                "mean_input_tokens": ratio(result.get("total_input_tokens"), result["completed"]),
                "mean_output_tokens": ratio(result.get("total_output_tokens"), result["completed"]),
            }
        )
        imported.workflow_items += [
            item_row(concurrency, place, str(place), latency, latency) for place, latency in enumerate(latencies, 1)
        ]
    return not_empty(imported, name)


def _vllm_latencies(result: Mapping[str, Any]) -> list[float]:
    """End-to-end times of the requests that ended well (s): time to first token and all times between tokens."""
    first, between, errors = result.get("ttfts") or [], result.get("itls") or [], result.get("errors") or []
    if len(first) != len(between):
        return []
    errors = errors if len(errors) == len(first) else [""] * len(first)
    return [
        float(start) + math.fsum(steps)
        for start, steps, error in zip(first, between, errors, strict=True)
        if not error and isinstance(steps, list)
    ]
