"""A fitted sweep as one JSON document, from the rows of `sql/sizing`: the calculator's own keys, and what it lacks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypedDict

from transforms.sizing.answer import Row, SizingAnswer
from transforms.sizing.metric_fit import MetricFit


class SizingDocument(TypedDict):
    """The document by its keys."""

    gpu_estimates: dict[str, float | None]
    answer: dict[str, object]
    targets: dict[str, object]
    sweep: dict[str, object]
    fit_results: dict[str, dict[str, object]]
    shapes: list[dict[str, object]]
    per_concurrency_data: dict[str, dict[str, object]]


def document(
    targets: Row,
    sizing: Sequence[MetricFit],
    per_concurrency: Sequence[Row],
    items: Sequence[Row],
    answer: SizingAnswer,
    sweep: Row,
    shapes: Sequence[Row] = (),
) -> SizingDocument:
    """The answer as one JSON document: the calculator's own keys, and beside them what it lacks.

    `gpu_estimates` are the line's, as the calculator defines them; `answer` is what to build for.
    """
    by_metric = {row["metric"]: row for row in sizing}
    per_item: dict[tuple[object, object], dict[str, object]] = {}
    for item in items:
        if item["request_status"] == "ok":
            per_item.setdefault((item["run"], item["concurrency"]), {})[str(item["item"])] = {
                "llm_latency": item["llm_latency_s"],
                "workflow_runtime": item["workflow_runtime_s"],
            }
    return {
        "gpu_estimates": {
            "gpu_estimate_by_wf_runtime": by_metric["workflow_runtime"]["line_gpus"],
            "gpu_estimate_by_llm_latency": by_metric["llm_latency"]["line_gpus"],
        },
        "answer": {
            "status": answer.status,
            "decided_by": answer.metric,
            "gpus": answer.gpus,
            "whole_gpus": answer.whole_gpus,
            "gpus_low": answer.gpus_low,
            "gpus_high": answer.gpus_high,
            "interval_level": answer.interval_level,
            "messages": answer.messages,
        },
        "targets": dict(targets),
        "sweep": dict(sweep),
        "fit_results": {
            "llm_latency_fit": _fit_result(by_metric["llm_latency"]),
            "wf_runtime_fit": _fit_result(by_metric["workflow_runtime"]),
        },
        "shapes": [dict(shape) for shape in shapes],
        "per_concurrency_data": {
            str(row["concurrency"]): _concurrency_data(row, per_item.get((row["run"], row["concurrency"]), {}))
            for row in per_concurrency
        },
    }


def _fit_result(row: MetricFit) -> dict[str, object]:
    knee = None
    if row["knee_concurrency"] is not None:
        knee = {
            "knee_concurrency": row["knee_concurrency"],
            "base": row["knee_base_s"],
            "slope": row["knee_slope_s"],
            "r_squared": row["knee_r_squared"],
            "gpu_estimate": row["knee_gpus"],
        }
    return {
        "status": row["sizing_status"],
        "points": row["points"],
        "slope": row["slope_s"],
        "intercept": row["intercept_s"],
        "r_squared": row["r_squared"],
        "outliers_removed": json.loads(row["outliers"]),
        "calculated_concurrency": row["required_concurrency"],
        "proven_concurrency": row["proven_concurrency"],
        "gpu_estimate": row["gpus"],
        "gpu_estimate_low": row["gpus_low"],
        "gpu_estimate_high": row["gpus_high"],
        "answered_by": row["fit"],
        "saturation_fit": knee,
    }


def _concurrency_data(row: Row, per_item: dict[str, object]) -> dict[str, object]:
    return {
        "gpu_estimates": {
            "gpu_estimate_by_wf_runtime": row["rough_gpus_by_workflow_runtime"],
            "gpu_estimate_by_llm_latency": row["rough_gpus_by_llm_latency"],
        },
        "out_of_range_runs": {
            "num_items_greater_than_target_latency": row["llm_latency_out_of_range"],
            "num_items_greater_than_target_runtime": row["workflow_runtime_out_of_range"],
            "workflow_interrupted": row["workflow_interrupted"],
        },
        "alerts": {
            "workflow_interrupted": row["workflow_interrupted"],
            "outlier_llm_latency": row["outlier_llm_latency"],
            "outlier_workflow_runtime": row["outlier_workflow_runtime"],
            "highest_load_deviates": row["highest_deviates"],
            "zero_time": row["zero_time"],
        },
        "sizing_metrics": {
            "llm_latency_p95": row["p95_llm_latency_s"],
            "workflow_runtime_p95": row["p95_workflow_runtime_s"],
            "total_runtime": row["total_runtime_s"],
            "passes": row["passes"],
            "items": row["items"],
            "failed_items": row["failed_items"],
            "output_tokens_per_s": row["output_tokens_per_s"],
            "ttft_ms": row["ttft_ms"],
            "tpot_ms": row["tpot_ms"],
            "per_item_metrics": per_item,
        },
    }
