"""More memory, fewer bits or a shorter context never turn a fit into a misfit."""

from __future__ import annotations

import itertools

import duckdb
import pytest
from asking import evaluate

ARCHITECTURES = ("llama-3.1-8b", "gemma-3-27b", "mixtral-8x7b", "deepseek-v3", "gpt-oss-120b", "mamba-hybrid")
ORDER = ("does_not_fit", "tight", "fits")
ASCENDING = {
    "reported_memory_gib": [15.0, 22.0, 31.4, 44.4, 60.0, 79.2, 95.0, 120.0, 139.8, 178.0],
    "context": [131072, 65536, 40960, 32768, 8192, 4096, 2048, 1024],
    "kv_dtype": ["auto", "fp8"],
    "tp": [1, 2, 4],
    "max_num_seqs": [1024, 256, 16],
}


@pytest.mark.parametrize("column", ASCENDING)
def test_an_easier_demand_never_fits_worse(estimator: duckdb.DuckDBPyConnection, column: str) -> None:
    """Each group of rows differs in one column, from the hardest to the easiest."""
    base = {"gpu": "H100-SXM5-80GB", "context": 16384}
    others = {"reported_memory_gib": [31.4, 79.2, 139.8], "context": [2048, 32768]}
    groups = [
        {"architecture": architecture, **dict(zip(rest, values, strict=True))}
        for architecture in ARCHITECTURES
        for rest in [tuple(name for name in others if name != column)]
        for values in itertools.product(*(others[name] for name in rest))
    ]
    steps = ASCENDING[column]
    answers = evaluate(estimator, [{**base, **group, column: step} for group in groups for step in steps])
    for start in range(0, len(answers), len(steps)):
        chain = answers[start : start + len(steps)]
        verdicts = [ORDER.index(str(answer["verdict"])) for answer in chain]
        assert verdicts == sorted(verdicts), (groups[start // len(steps)], chain)
        if column in ("reported_memory_gib", "kv_dtype", "max_num_seqs"):
            lengths = [answer["max_context"] for answer in chain]
            assert lengths == sorted(lengths)


@pytest.mark.parametrize("architecture", ["llama-3.1-8b", "gemma-3-27b", "mixtral-8x7b", "mamba-hybrid"])
def test_fewer_bits_never_fit_worse(estimator: duckdb.DuckDBPyConnection, architecture: str) -> None:
    precisions = ["bf16", "fp8", "nvfp4", "awq-4bit"]
    memories = [15.0, 22.0, 44.4, 60.0, 79.2, 120.0]
    answers = evaluate(
        estimator,
        [
            {"architecture": architecture, "reported_memory_gib": memory, "quantization": precision, "context": 16384}
            for memory in memories
            for precision in precisions
        ],
    )
    for start in range(0, len(answers), len(precisions)):
        verdicts = [ORDER.index(str(answer["verdict"])) for answer in answers[start : start + len(precisions)]]
        assert verdicts == sorted(verdicts)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_longest_context_is_where_the_fit_ends(estimator: duckdb.DuckDBPyConnection, architecture: str) -> None:
    """max_context fits, and a block more does not, unless the model itself ends there."""
    memories = [44.4, 60.0, 79.2, 95.0, 139.8]
    base = [{"architecture": architecture, "reported_memory_gib": memory, "tp": 2, "max_num_seqs": 64} for memory in memories]
    found = [answer for answer in evaluate(estimator, base) if answer["max_context"] > 0]
    if not found:
        return
    limit = max(int(str(answer["max_context"])) for answer in found)
    rows = [
        {
            "architecture": architecture,
            "reported_memory_gib": answer["reported_memory_gib"],
            "tp": 2,
            "max_num_seqs": 64,
            "context": answer["max_context"] + beyond,
        }
        for answer in found
        for beyond in (0, 2200)
    ]
    answers = evaluate(estimator, rows)
    for at_limit, beyond in zip(answers[::2], answers[1::2], strict=True):
        assert at_limit["fits"]
        if at_limit["max_context"] < limit:
            assert not beyond["fits"]
