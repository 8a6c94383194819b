"""Asking the macro `evaluate` about configurations written in a few words."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

import duckdb
import polars as pl
import pytest

Answers = list[dict[str, object]]
Name = TypeVar("Name", bound=Hashable)

_DEFAULTS: dict[str, object] = {
    "gpu": "H100-SXM5-80GB",
    "reported_memory_gib": 79.2,
    "interconnect_kind": "nvlink",
    "link_gb_per_s": None,
    "network_gb_per_s": None,
    "nodes": 1,
    "tp": 1,
    "pp": 1,
    "dp": 1,
    "ep": 1,
    "quantization": "native",
    "kv_dtype": "auto",
    "gpu_memory_utilization": None,
    "context": 8192,
    "max_num_seqs": None,
    "max_num_batched_tokens": None,
    "enforce_eager": False,
    "engine": "vllm",
    "engine_version": None,
    "input_tokens": 1024,
    "output_tokens": 1024,
    "concurrency": 1,
    "cached_share": 0.0,
    "usd_per_hour": None,
}
_TYPES: dict[str, pl.DataType] = {
    **{name: pl.Float64() for name in ("reported_memory_gib", "link_gb_per_s", "network_gb_per_s", "gpu_memory_utilization")},
    **{name: pl.Float64() for name in ("gpu_count", "cached_share", "usd_per_hour")},
    **{name: pl.Int32() for name in ("nodes", "tp", "pp", "dp", "ep", "max_num_seqs", "max_num_batched_tokens")},
    **{name: pl.Int64() for name in ("context", "input_tokens", "output_tokens", "concurrency")},
    **{
        name: pl.String() for name in ("id", "architecture_key", "gpu", "interconnect_kind", "quantization", "kv_dtype", "engine")
    },
    "engine_version": pl.String(),
    "enforce_eager": pl.Boolean(),
}


def configurations(rows: list[dict[str, object]]) -> pl.DataFrame:
    """Configurations as `evaluate` takes them; what a row leaves out is one H100 at 8,192 tokens, one request at a time."""
    filled = []
    for number, row in enumerate(rows):
        given = dict(row)
        given["architecture_key"] = given.pop("architecture", None)
        whole = {"id": f"{number:06d}", **_DEFAULTS, **given}
        whole.setdefault("gpu_count", int(str(whole["tp"])) * int(str(whole["pp"])) * int(str(whole["dp"])))
        filled.append(whole)
    text = pl.DataFrame(
        {name: [None if row[name] is None else str(row[name]) for row in filled] for name in filled[0]},
        schema=dict.fromkeys(filled[0], pl.String()),
    )
    return text.select(
        (pl.col(name).str.to_lowercase() == "true").alias(name) if isinstance(dtype, pl.Boolean) else pl.col(name).cast(dtype)
        for name, dtype in _TYPES.items()
    )


def evaluate(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, object]]) -> Answers:
    """The answers of `evaluate`, in the order of the rows."""
    connection.register("asked_rows", configurations(rows).to_arrow())
    try:
        # Not `connection.sql`, which binds what it is asked twice: binding takes longer here than evaluating.
        answer = connection.execute("select * from evaluate('asked_rows') order by id")
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    finally:
        connection.unregister("asked_rows")


def asks(rows: Sequence[dict[str, object]]) -> pytest.MarkDecorator:
    """Mark a test with the rows whose answers its argument `answers` is to be: all such tests' rows are evaluated together."""
    return pytest.mark.asks(rows)


def evaluate_together(
    connection: duckdb.DuckDBPyConnection, asked: Mapping[Name, Sequence[dict[str, object]]]
) -> dict[Name, Answers]:
    """The answers of `evaluate` for several lists of rows, each under the name of its list, in its order.

    One evaluation for all of them: planning one takes longer than thousands of rows.
    """
    found: Iterator[dict[str, object]] = iter(evaluate(connection, [row for rows in asked.values() for row in rows]))
    return {name: [next(found) for _ in rows] for name, rows in asked.items()}
