"""What a misfit's reason proposes does fit when it is done."""

from __future__ import annotations

import itertools
import re

import duckdb
from asking import evaluate

_REMEDY = re.compile(r"fits (?:with|in) (--max-num-seqs|--kv-cache-dtype|tp|[48])(?:-bit weights|\s(\w+))?")


def _done(asked: dict[str, object], reason: str) -> dict[str, object] | None:
    """The configuration with the change that the reason names, or None where it names none."""
    found = _REMEDY.search(reason)
    if not found:
        return None
    change, value = found[1], found[2]
    if change == "tp":
        return {**asked, "tp": int(value), "gpu_count": int(value)}
    if change in ("4", "8"):
        return {**asked, "quantization": "fp8" if change == "8" else "awq-4bit"}
    return {**asked, "max_num_seqs": int(value)} if change == "--max-num-seqs" else {**asked, "kv_dtype": value}


def test_the_change_that_a_misfit_names_makes_it_fit(estimator: duckdb.DuckDBPyConnection) -> None:
    architectures = ("llama-3.1-8b", "llama-3.3-70b", "qwen2.5-7b", "gemma-3-27b", "mixtral-8x7b", "deepseek-v3", "gpt-oss-120b")
    cards = (("L4", 22.0), ("L40S", 44.4), ("A100-SXM4-40GB", 39.5), ("H100-SXM5-80GB", 79.2))
    asked = [
        {"architecture": architecture, "gpu": gpu, "reported_memory_gib": memory, "context": context, "tp": tp, "gpu_count": tp}
        for architecture, (gpu, memory), context, tp in itertools.product(architectures, cards, (8192, 32768, 131072), (1, 2, 4))
    ]
    proposed = [
        (row, answer["reason"], done)
        for row, answer in zip(asked, evaluate(estimator, asked), strict=True)
        if (done := _done(row, str(answer["reason"]))) is not None
    ]
    kinds = {_REMEDY.search(str(reason))[1] for _, reason, _ in proposed}
    assert {"--max-num-seqs", "--kv-cache-dtype", "8", "4", "tp"} <= kinds
    followed = evaluate(estimator, [done for _, _, done in proposed])
    wrong = [
        (row, reason, answer["reason"]) for (row, reason, _), answer in zip(proposed, followed, strict=True) if not answer["fits"]
    ]
    assert wrong == []
