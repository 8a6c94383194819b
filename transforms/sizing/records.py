"""An imported sweep of another tool, and the reading of numbers in such files."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

SECONDS: dict[str, float] = {
    "s": 1.0,
    "sec": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "milliseconds": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "microseconds": 1e-6,
    "ns": 1e-9,
    "nanoseconds": 1e-9,
}
"""Seconds of the units that the tools write beside their times."""


class FormatError(ValueError):
    """The file is of no known format, or lacks what a sizing needs; the message says which and what to do."""


@dataclass
class ImportedSweep:
    """The contents of one file: its format, the model it names, and rows of the sweep's tables.

    A concurrency whose percentiles the file states is a row of `measurements`; those it leaves empty come from the items.
    """

    source: str
    model: str | None = None
    measurements: list[dict[str, object]] = field(default_factory=list)
    workflow_items: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def level_row(
    concurrency: int,
    p95_latency: float | None,
    p95_runtime: float | None,
    total: float | None,
    interrupted: bool,
    items: float | None = None,
) -> dict[str, object]:
    """A row of `measurements` (times in seconds)."""
    return {
        "concurrency": concurrency,
        "items": int(items) if items is not None and 0 <= items < 2**53 else None,
        "p95_llm_latency_s": p95_latency,
        "p95_workflow_runtime_s": p95_runtime,
        "total_runtime_s": total,
        "workflow_interrupted": interrupted,
    }


def item_row(concurrency: int, number: int, key: str, runtime: float | None, latency: float | None) -> dict[str, object]:
    """A row of `workflow_items` that ended well (times in seconds)."""
    return {
        "concurrency": concurrency,
        "pass_number": (number - 1) // concurrency + 1,
        "item": number,
        "dataset_item": key,
        "workflow_runtime_s": runtime or 0.0,
        "llm_latency_s": latency,
        "request_status": "ok",
    }


def not_empty(imported: ImportedSweep, name: str) -> ImportedSweep:
    """The import itself. Raises FormatError when it holds no measurement."""
    if not imported.measurements:
        raise FormatError(f"{name}: holds no measured concurrency")
    return imported


def as_object(value: object) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def whole_number(value: object, where: str) -> int:
    """A whole number of at least 1, written as a number or a text. Raises FormatError."""
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not 1 <= number < 2**31 or number != int(number):
        raise FormatError(f"{where}: {value!r} is not a whole number of at least 1")
    return int(number)


def finite(value: object) -> float | None:
    """A finite number, or None. Zero stays zero: the fit leaves it out and says so."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def positive(value: object) -> float | None:
    """A time above zero; the calculator writes 0 for what it did not measure."""
    time = finite(value)
    return time if time and time > 0 else None


def scaled(value: object, scale: float) -> float | None:
    """A finite number times the scale, or None."""
    amount = finite(value)
    return None if amount is None else amount * scale


def ratio(total: object, count: object) -> float | None:
    """The mean of `count` things that make up the total, or None."""
    amount, many = finite(total), finite(count)
    return amount / many if amount is not None and many else None


def in_seconds(metric: object, key: str) -> float | None:
    """One statistic of an AIPerf metric in seconds, by the unit that stands beside it."""
    entry = as_object(metric)
    scale = SECONDS.get(str(entry.get("unit", "ms")).casefold())
    return None if scale is None else scaled(entry.get(key), scale)
