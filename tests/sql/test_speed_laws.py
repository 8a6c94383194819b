"""What holds for the speed of every row: physics, batches, faster cards.

The prompts are in the prefix cache (cached_share 1) where time per output token is to be the decode step alone.
"""

from __future__ import annotations

import itertools

import duckdb
import polars as pl
import pytest
from asking import evaluate, evaluate_together
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow(2)

CACHED = {"cached_share": 1.0, "context": 2048}
ARCHITECTURES = ["llama-3.1-8b", "llama-3.3-70b", "mixtral-8x7b", "gpt-oss-120b", "qwen3-30b-a3b", "gemma-3-27b", "mamba-hybrid"]
ENGINES = ["vllm", "sglang", "trtllm"]


def test_no_row_is_faster_than_physics(estimator: duckdb.DuckDBPyConnection) -> None:
    """A step takes at least the bytes of the weights it must read over the bandwidth, and its products over the peak rate."""
    touched = {"mixtral-8x7b": 2 / 8, "gpt-oss-120b": 4 / 128, "qwen3-30b-a3b": 8 / 128, "deepseek-v3": 8 / 256}
    columns = (
        "architecture_key",
        "parameters_total",
        "parameters_embedding",
        "parameters_vision_audio",
        "parameters_routed_experts",
    )
    facts = {row[0]: row[1:] for row in estimator.table("architectures").select(*columns).fetchall()}
    bits = {"native": 2.0, "fp8": 1.0, "awq-4bit": 0.5}
    cards = {"H100-SXM5-80GB": (3350, 1979), "B200-SXM-180GB": (8000, 9000), "A100-SXM4-80GB": (2039, 624), "L4": (300, 485)}
    rows = [
        {"architecture": architecture, "gpu": gpu, "quantization": precision, "engine": engine, "tp": tp, "concurrency": batch}
        for architecture, gpu, precision, engine, tp, batch in itertools.product(
            ("llama-3.1-8b", "llama-3.3-70b", "mixtral-8x7b", "qwen3-30b-a3b"), cards, bits, ENGINES, (1, 8), (1, 16, 256)
        )
    ]
    answers = evaluate(estimator, [{**row, **CACHED, "reported_memory_gib": 1000.0} for row in rows])
    checked = 0
    for row, answer in zip(rows, answers, strict=True):
        if answer["tpot_ms"] is None:
            continue
        total, embedding, tower, experts = facts[row["architecture"]]
        share = touched.get(str(row["architecture"]), 1.0)
        active = total - embedding - tower - experts * (1 - share)
        bandwidth, peak = cards[str(row["gpu"])]
        read_ms = active * bits[str(row["quantization"])] / row["tp"] / (bandwidth * 1e6)
        batch = answer["batch_per_replica"]
        product_ms = 2 * batch * active / row["tp"] / (peak * 1e9)
        assert answer["tpot_ms"] > read_ms, row
        assert answer["tpot_ms"] > product_ms, row
        checked += 1
    assert checked > 200


BATCHES = [*range(2, 40), 63, 64, 65, 127, 128, 129, 255, 256, 257]
TOKEN_COUNTS = st.tuples(st.integers(1, 6000), st.integers(1, 2000))


@settings(max_examples=2, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ARCHITECTURES),
            st.sampled_from(ENGINES),
            st.sampled_from([1, 2, 4]),
            TOKEN_COUNTS,
            st.sampled_from([0.0, 0.5, 1.0]),
        ),
        min_size=10,
        max_size=10,
    )
)
def test_batch_raises_throughput_without_a_jump(
    estimator: duckdb.DuckDBPyConnection, examples: list[tuple[str, str, int, tuple[int, int], float]]
) -> None:
    """Time per output token grows with the batch, and by no more than the requests beside the one that is timed."""
    asked = {
        number: [
            {
                "architecture": architecture,
                "engine": engine,
                "tp": tp,
                "reported_memory_gib": 2000.0,
                "input_tokens": tokens[0],
                "output_tokens": tokens[1],
                "context": sum(tokens),
                "cached_share": cached,
                "max_num_seqs": 1024,
                "concurrency": batch,
            }
            for batch in BATCHES
        ]
        for number, (architecture, engine, tp, tokens, cached) in enumerate(examples)
    }
    for number, answers in evaluate_together(estimator, asked).items():
        times = [answer["tpot_ms"] for answer in answers]
        assert times == sorted(times), examples[number]
        for (small, large), (fast, slow) in zip(itertools.pairwise(BATCHES), itertools.pairwise(times), strict=True):
            assert slow / fast <= (large - 1) / (small - 1) * 1.0001, examples[number]


@settings(max_examples=2, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ARCHITECTURES), st.sampled_from([1, 3, 16, 100, 400]), st.sampled_from([1, 2, 4]), TOKEN_COUNTS
        ),
        min_size=10,
        max_size=10,
    )
)
def test_a_faster_card_never_slows_a_row(
    catalogs: dict[str, pl.DataFrame],
    estimator: duckdb.DuckDBPyConnection,
    examples: list[tuple[str, int, int, tuple[int, int]]],
) -> None:
    """Each rate of the H100 in steps of a tenth, past the ridge on both sides: every time falls or stays, and none jumps."""
    card = catalogs["gpus"].filter(pl.col("gpu") == "H100-SXM5-80GB")
    rates = ["memory_bandwidth_gb_per_s", "bf16_tflops", "fp16_tflops", "link_gb_per_s"]
    steps = [round(0.5 * 1.1**number, 4) for number in range(16)]
    cards = pl.concat(
        card.with_columns(pl.lit(f"H100-{rate}-{number}").alias("gpu"), (pl.col(rate) * step).alias(rate))
        for rate in rates
        for number, step in enumerate(steps)
    )
    asked = {
        (example, rate): [
            {
                "architecture": example[0],
                "gpu": f"H100-{rate}-{number}",
                "reported_memory_gib": 2000.0,
                "max_num_seqs": 1024,
                "input_tokens": example[3][0],
                "output_tokens": example[3][1],
                "context": sum(example[3]),
                "concurrency": example[1],
                "tp": example[2],
            }
            for number in range(len(steps))
        ]
        for example in examples
        for rate in rates
    }
    estimator.execute("begin")
    try:
        estimator.from_arrow(cards.to_arrow()).insert_into("gpus")
        found = evaluate_together(estimator, asked)
    finally:
        estimator.execute("rollback")
    for named, answers in found.items():
        for name in ("ttft_ms", "tpot_ms"):
            times = [answer[name] for answer in answers]
            assert all(fast <= slow * (1 + 1e-9) for slow, fast in itertools.pairwise(times)), named
            assert all(slow <= fast * 1.1001 for slow, fast in itertools.pairwise(times)), named


def test_every_accelerator_with_known_rates_has_a_speed_near_its_own_floor(
    estimator: duckdb.DuckDBPyConnection, catalogs: dict[str, pl.DataFrame]
) -> None:
    """Llama-3.1-8B alone on each card: above the reading of its weights, and at most 2.5 times that and its layers."""
    known = catalogs["gpus"].filter(pl.col("memory_bandwidth_gb_per_s").is_not_null())
    known = known.filter(pl.coalesce("bf16_tflops", "fp16_tflops").is_not_null())
    rows = [{"architecture": "llama-3.1-8b", "gpu": gpu, "reported_memory_gib": 500.0, **CACHED} for gpu in known["gpu"]]
    answers = {answer["gpu"]: answer for answer in evaluate(estimator, rows) if answer["outcome"] != "refused"}
    assert len(answers) > 45
    generations = dict(known.select("gpu", "generation").iter_rows())
    for gpu, bandwidth in known.select("gpu", "memory_bandwidth_gb_per_s").iter_rows():
        if gpu in answers:
            floor_ms = 2 * 7.5e9 / (bandwidth * 1e9) * 1e3
            assert floor_ms < answers[gpu]["tpot_ms"] < 2.5 * floor_ms + 3, gpu
            fitted = generations[gpu] in ("hopper", "blackwell_dc", "cdna4")
            assert (answers[gpu]["calibration"] == "measured") is fitted, gpu
            assert (answers[gpu]["calibration"] == "default") or generations[gpu] not in ("other", "volta", "turing"), gpu
