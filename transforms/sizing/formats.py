"""Read what other tools measured: each file of theirs becomes rows of the sweep's tables (without the run).

Known: the sizing calculator's output (both its generations), `vllm bench serve` (one result, a list, or appended lines),
GuideLLM reports (0.2 to 0.6), AIPerf and GenAI-Perf summaries and AIPerf's per-request records, and plain CSV.
Where a file says less than a sizing needs, the error names what is missing and how to have the tool write it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any

from transforms.sizing.aiperf import read_aiperf, read_aiperf_records
from transforms.sizing.guidellm import read_guidellm
from transforms.sizing.records import (
    FormatError,
    ImportedSweep,
    as_object,
    finite,
    item_row,
    level_row,
    not_empty,
    positive,
    whole_number,
)
from transforms.sizing.vllm import read_vllm


def parse_sweep_file(name: str, text: str, concurrency: int | None = None) -> ImportedSweep:
    """The rows of one file of another tool.

    Args:
        name: the file's path, which GenAI-Perf's users put the concurrency into; only read where the file does not say it.
        text: its content.
        concurrency: what the user says of a file that does not state its concurrency.
    Raises FormatError.
    """
    try:
        return _read(name, text, concurrency)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{name}: not as the tool writes it ({type(error).__name__}: {error})") from None


def _read(name: str, text: str, concurrency: int | None) -> ImportedSweep:
    if name.lower().endswith(".csv"):
        return _plain_csv(name, text)
    documents = _documents(name, text)
    first = documents[0]
    if isinstance(first, dict):
        if "per_concurrency_data" in first or "calc_data" in first:
            return _calculator(name, first)
        if "benchmarks" in first:
            return read_guidellm(name, first)
        if isinstance(first.get("request_latency"), dict):
            return read_aiperf(name, first, concurrency)
        if "metadata" in first and "metrics" in first:
            return read_aiperf_records(name, documents, concurrency)
        if "completed" in first and "duration" in first:
            return read_vllm(name, documents, concurrency)
    raise FormatError(
        f"{name}: of no known format (the sizing calculator, vllm bench serve, GuideLLM, AIPerf, GenAI-Perf, or CSV with a "
        "column concurrency)"
    )


def _documents(name: str, text: str) -> list[Any]:
    """The JSON values of a file: one, the entries of a list, or one a line."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise FormatError(f"{name}: nested too deeply") from None
    except json.JSONDecodeError as error:
        try:
            value = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (json.JSONDecodeError, RecursionError):
            raise FormatError(f"{name}: not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    documents = value if isinstance(value, list) else [value]
    if not documents:
        raise FormatError(f"{name}: empty")
    return documents


def _calculator(name: str, document: Mapping[str, Any]) -> ImportedSweep:
    imported = ImportedSweep("calculator")
    levels = document.get("per_concurrency_data") or document.get("calc_data") or {}
    for key, level in levels.items():
        metrics = as_object(level.get("sizing_metrics"))
        if not metrics:
            raise FormatError(f"{name}: concurrency {key} has no sizing_metrics, which hold the measured times")
        flags = [as_object(level.get("out_of_range_runs")), as_object(metrics.get("alerts")), as_object(level.get("alerts"))]
        items = as_object(metrics.get("per_item_metrics"))
        concurrency = whole_number(key, f"{name}: concurrency {key!r}")
        imported.measurements.append(
            level_row(
                concurrency,
                positive(metrics.get("llm_latency_p95")),
                finite(metrics.get("workflow_runtime_p95")),
                finite(metrics.get("total_runtime")),
                any(bool(each.get("workflow_interrupted")) for each in flags),
                items=len(items) or None,
            )
        )
        for place, (item, times) in enumerate(items.items(), 1):
            imported.workflow_items.append(
                item_row(concurrency, place, item, finite(times.get("workflow_runtime")), positive(times.get("llm_latency")))
            )
    return not_empty(imported, name)


_CSV_COLUMNS: dict[str, tuple[str, ...]] = {
    "concurrency": ("concurrency", "users", "maxconcurrency"),
    "p95_llm_latency_s": ("p95llmlatency", "llmlatencyp95", "p95latency", "latencyp95", "p95llmlatencys", "llmlatency"),
    "p95_workflow_runtime_s": (
        "p95wfruntime",
        "p95workflowruntime",
        "workflowruntimep95",
        "wfruntimep95",
        "p95runtime",
        "runtimep95",
        "workflowruntime",
    ),
    "total_runtime_s": ("totalruntime", "duration"),
    "workflow_interrupted": ("workflowinterrupted", "interrupted", "alerts", "failed"),
}


def _plain_csv(name: str, text: str) -> ImportedSweep:
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    columns: dict[str, tuple[str, float]] = {}
    for header in reader.fieldnames or []:
        plain = re.sub(r"[^a-z0-9]", "", header.casefold())
        for column, spellings in _CSV_COLUMNS.items():
            for unit, scale in (("", 1.0), ("s", 1.0), ("ms", 1e-3), ("seconds", 1.0)):
                if plain in {spelling + unit for spelling in spellings}:
                    columns.setdefault(column, (header, scale))
    if "concurrency" not in columns:
        raise FormatError(f"{name}: no column concurrency; columns are {', '.join(reader.fieldnames or ['none'])}")
    if not {"p95_llm_latency_s", "p95_workflow_runtime_s"} & set(columns):
        raise FormatError(f"{name}: neither p95_llm_latency nor p95_workflow_runtime among its columns")
    imported = ImportedSweep("csv")
    for line, row in enumerate(reader, 2):
        where = f"{name}: line {line}"

        def seconds(column: str, row: dict[str, str] = row, where: str = where) -> float | None:
            header, scale = columns.get(column, ("", 1.0))
            value = (row.get(header) or "").strip()
            if not value:
                return None
            try:
                return float(value) * scale
            except ValueError:
                raise FormatError(f"{where}, column {header}: {value!r} is not a number") from None

        flag = (row.get(columns.get("workflow_interrupted", ("", 1.0))[0]) or "").strip().casefold()
        imported.measurements.append(
            level_row(
                whole_number(row[columns["concurrency"][0]], f"{where}, concurrency"),
                seconds("p95_llm_latency_s"),
                seconds("p95_workflow_runtime_s"),
                seconds("total_runtime_s"),
                flag not in ("", "0", "false", "no") and ("!" not in flag or "!w" in flag),
            )
        )
    return not_empty(imported, name)
