"""AIPerf and GenAI-Perf: a summary of one concurrency, or AIPerf's records of single requests."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from transforms.sizing.records import FormatError, ImportedSweep, as_object, finite, in_seconds, item_row, level_row

_IN_NAME = re.compile(r"(?:concurrency|conc)[-_=]?(\d+)|(?:^|[/\\])c(\d+)(?=[/\\.]|$)", re.IGNORECASE)


def read_aiperf(name: str, document: Mapping[str, Any], stated: int | None) -> ImportedSweep:
    """`profile_export_aiperf.json` or `profile_export_genai_perf.json`: the percentiles of one concurrency."""
    settings = as_object(document.get("input_config"))
    concurrency = stated or _stated_concurrency(document) or _named_concurrency(name)
    if concurrency is None:
        raise FormatError(f"{name}: it does not say its concurrency; name it with --concurrency")
    p95 = in_seconds(document.get("request_latency"), "p95")
    if p95 is None:
        raise FormatError(f"{name}: request_latency has no p95")
    failed = int(finite(as_object(document.get("error_request_count")).get("avg")) or 0)
    interrupted = failed > 0 or bool(document.get("was_cancelled"))
    level = level_row(
        concurrency,
        p95,
        p95,
        in_seconds(document.get("benchmark_duration"), "avg"),
        interrupted,
        items=finite(as_object(document.get("request_count")).get("avg")),
    )
    ttft, tpot = (in_seconds(document.get(key), "p50") for key in ("time_to_first_token", "inter_token_latency"))
    level |= {
        "failed_items": failed,
        "ttft_ms": ttft and ttft * 1000,
        "tpot_ms": tpot and tpot * 1000,
        "output_tokens_per_s": finite(as_object(document.get("output_token_throughput")).get("avg")),
        "mean_input_tokens": finite(as_object(document.get("input_sequence_length")).get("avg")),
        "mean_output_tokens": finite(as_object(document.get("output_sequence_length")).get("avg")),
    }
    models = settings.get("model_names") or as_object(settings.get("endpoint")).get("model_names") or settings.get("model") or []
    model = models if isinstance(models, str) else next((entry for entry in models if isinstance(entry, str)), None)
    return ImportedSweep("aiperf", model, [level])


def _stated_concurrency(document: Mapping[str, Any]) -> int | None:
    """The concurrency in an AIPerf or GenAI-Perf summary, whose settings have moved from version to version."""
    varied = as_object(as_object(document.get("run_info")).get("variation_values"))
    for path, value in varied.items():
        if path.rpartition(".")[2] == "concurrency" and _is_concurrency(value):
            return int(value)
    pending: list[Any] = [as_object(document.get("input_config"))]
    for entry in pending:
        if len(pending) > 10_000:
            return None
        if isinstance(entry, dict):
            value = entry.get("concurrency")
            if value is not None and _is_concurrency(value):
                return int(value)
            pending += entry.values()
        elif isinstance(entry, list):
            pending += entry
    return None


def _is_concurrency(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 1


def _named_concurrency(name: str) -> int | None:
    found = list(_IN_NAME.finditer(name))
    return int(found[-1][1] or found[-1][2]) if found else None


def read_aiperf_records(name: str, records: Iterable[Mapping[str, Any]], stated: int | None) -> ImportedSweep:
    """AIPerf's `profile_export.jsonl`: one record a request; the requests of one session are one workflow item.

    An item's runtime is the sum of its requests' latencies: what a session waits for, without the pauses between its turns.
    """
    concurrency = stated or _named_concurrency(name)
    if concurrency is None:
        raise FormatError(f"{name}: per-request records do not say their concurrency; name it with --concurrency")
    sessions: dict[str, list[float]] = {}
    failed = 0
    moments: list[float] = []
    for record in records:
        facts, metrics = as_object(record.get("metadata")), as_object(record.get("metrics"))
        if facts.get("benchmark_phase", "profiling") != "profiling":
            continue
        latency = in_seconds(metrics.get("request_latency"), "value")
        if record.get("error") or facts.get("was_cancelled") or latency is None:
            failed += 1
            continue
        session = str(facts.get("x_correlation_id") or facts.get("session_num") or len(sessions))
        sessions.setdefault(session, []).append(latency)
        moments += [time for key in ("request_start_ns", "request_end_ns") if (time := finite(facts.get(key))) is not None]
    if not sessions and not failed:
        raise FormatError(f"{name}: no profiling records")
    total = (max(moments) - min(moments)) * 1e-9 if moments else None
    level = level_row(concurrency, None, None, total, failed > 0, items=len(sessions)) | {"failed_items": failed}
    items = [
        item_row(concurrency, place, session, math.fsum(latencies), max(latencies))
        for place, (session, latencies) in enumerate(sessions.items(), 1)
    ]
    return ImportedSweep("aiperf", None, [level], items)
