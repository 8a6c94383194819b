"""Speed of well-known models, every term of the closed form written out, and what holds for all rows.

The prompts are in the prefix cache (cached_share 1), so that time per output token is the decode step alone: weights read once,
the experts that the tokens touch, the KV cache at a mean context of 1024 + 1024/2 tokens, all-reduces and overheads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import duckdb
import polars as pl
import pytest
from asking import evaluate
from hypothesis import given, settings
from hypothesis import strategies as st

CACHED = {"cached_share": 1.0, "context": 2048}
TOKENS = 1536
Coefficients = Callable[[str, str], float]


@pytest.fixture(scope="module")
def of(catalogs: dict[str, pl.DataFrame]) -> Coefficients:
    """The shipped value of a coefficient, by key and name."""
    table = catalogs["speed_coefficients"]
    values = {(key, name): value for key, name, value in table.select("key", "name", "value").iter_rows()}
    return lambda key, name: values[key, name]


def reading(size: float, gb_per_s: float, share: float) -> float:
    """ms to read bytes."""
    return size / (gb_per_s * 1e9 * share) * 1e3


def computing(flop: float, tflops: float, share: float) -> float:
    """ms of arithmetic."""
    return flop / (tflops * 1e12 * share) * 1e3


def overheads(of: Coefficients, batch: int, layers: int, moe: int = 0, latent: int = 0) -> float:
    """ms of vLLM's own work in a step."""
    fixed = of("all", "t_layer_us") * layers + of("moe", "t_moe_layer_us") * moe + of("mla", "t_mla_layer_us") * latent
    return (fixed + of("all", "t_request_us") * batch) / 1e3


def narrow(of: Coefficients, width: float) -> float:
    """How much longer an expert's part of this width takes to read than its bytes say."""
    return 1 + of("moe", "narrow_width") / width


def all_reduces(of: Coefficients, batch: int, layers: int, hidden: int, tp: int) -> float:
    """ms of two all-reduces a layer over NVLink of 450 GB/s."""
    hops = 2 * layers * of("nvlink", "alpha_us") * math.log2(tp) / 1e3
    ring = 2 * (tp - 1) / tp * hidden * 2
    return hops + 2 * layers * batch * reading(ring, 450, of("nvlink", "e_link"))


@pytest.mark.parametrize("batch", [1, 32])
def test_mixtral_8x7b_on_two_h100(estimator: duckdb.DuckDBPyConnection, of: Coefficients, batch: int) -> None:
    asked = {"architecture": "mixtral-8x7b", "tp": 2, "concurrency": batch, **CACHED}
    attention, router, head, experts = 1_342_177_280, 1_048_576, 131_072_000, 45_097_156_608
    touched = 1 - (1 - 2 / 8) ** batch
    dense_ms = reading(2 * (attention + router + head) / 2, 3350, of("hopper", "e_mem"))
    experts_ms = max(
        reading(2 * experts * touched / 2, 3350, of("hopper", "e_mem")) * narrow(of, 14336 / 2),
        computing(2 * batch * experts * 2 / 8 / 2, 989, of("all", "e_dec") * of("moe", "c_moe")),
    )
    kv_ms = reading(32 * 2 * 8 * 128 * 2 * TOKENS / 2, 3350, of("all", "e_kv"))
    step_ms = dense_ms + experts_ms + batch * kv_ms + all_reduces(of, batch, 32, 4096, 2) + overheads(of, batch, 32, moe=32)
    assert evaluate(estimator, [asked])[0]["tpot_ms"] == pytest.approx(step_ms, rel=1e-6)


@pytest.mark.parametrize("batch", [1, 16])
def test_deepseek_v3_in_fp8_on_eight_h200(estimator: duckdb.DuckDBPyConnection, of: Coefficients, batch: int) -> None:
    asked = {"architecture": "deepseek-v3", "gpu": "H200-SXM-141GB", "reported_memory_gib": 139.8, "tp": 8}
    linear = 11_413_422_080 + 1_189_085_184 + 2_554_331_136
    linear_bytes, router, head = 11_420_000_000 + 1_189_375_488 + 2_555_000_000, 106_446_848, 926_679_040
    dense_ms = reading((linear_bytes / of("8bit", "m_q") + 2 * router + 2 * head) / 8, 4800, of("hopper", "e_mem"))
    touched = 1 - (1 - 8 / 256) ** batch
    experts_ms = reading(654_068_000_000 * touched / of("8bit", "m_q") / 8, 4800, of("hopper", "e_mem")) * narrow(of, 2048 / 8)
    arithmetic_ms = computing(2 * batch * linear / 8, 1979, of("8bit", "c_q") * of("all", "e_dec"))
    assert arithmetic_ms < dense_ms
    kv_ms = reading(61 * (512 + 64) * 2 * TOKENS, 4800, of("all", "e_kv"))
    attention_ms = computing(61 * 278528 * TOKENS / 8, 989, of("all", "e_dec") * of("all", "e_attn"))
    assert attention_ms < kv_ms
    own_ms = overheads(of, batch, 61, moe=58, latent=int(latent_layers(estimator, "deepseek-v3")))
    step_ms = dense_ms + experts_ms + batch * kv_ms + all_reduces(of, batch, 61, 7168, 8) + own_ms
    answer = evaluate(estimator, [{**asked, "concurrency": batch, **CACHED}])[0]
    assert answer["tpot_ms"] == pytest.approx(step_ms, rel=1e-6)


def latent_layers(estimator: duckdb.DuckDBPyConnection, architecture: str) -> int:
    """Layers of latent attention as the architecture's row counts them."""
    rows = estimator.table("architectures").filter(f"architecture_key = '{architecture}'").select("mla_layers").fetchall()
    return rows[0][0]


def test_gpt_oss_120b_on_one_h100(estimator: duckdb.DuckDBPyConnection, of: Coefficients) -> None:
    """Experts in mxfp4, the rest in 16 bit; half of the layers see 128 tokens only."""
    attention, router, head = 955_000_000, 13_300_000, 579_133_440
    dense_ms = reading(2 * (attention + router + head), 3350, of("hopper", "e_mem"))
    experts_ms = reading(60_900_000_000 * 4 / 128 / of("w4a16", "m_q"), 3350, of("hopper", "e_mem")) * narrow(of, 2880)
    kv_ms = reading(18 * 2 * 8 * 64 * 2 * TOKENS + 18 * 2 * 8 * 64 * 2 * 128, 3350, of("all", "e_kv"))
    step_ms = dense_ms + experts_ms + kv_ms + overheads(of, 1, 36, moe=36)
    answer = evaluate(estimator, [{"architecture": "gpt-oss-120b", **CACHED}])[0]
    assert answer["tpot_ms"] == pytest.approx(step_ms, rel=1e-6)


@pytest.mark.parametrize(("tp", "batch"), [(2, 1), (4, 1), (4, 64)])
def test_llama_70b_in_fp8_on_two_and_four_h100(
    estimator: duckdb.DuckDBPyConnection, of: Coefficients, tp: int, batch: int
) -> None:
    linear = 80 * (2 * 8192 * 8192 + 2 * 8192 * 1024 + 3 * 8192 * 28672)
    head = 128256 * 8192
    weights_ms = max(
        reading((linear / of("8bit", "m_q") + 2 * head) / tp, 3350, of("hopper", "e_mem")),
        computing(2 * batch * linear / tp, 1979, of("8bit", "c_q") * of("all", "e_dec"))
        + computing(2 * batch * head / tp, 989, of("all", "e_dec")),
    )
    kv_ms = reading(80 * 2 * 8 * 128 * 2 * TOKENS / tp, 3350, of("all", "e_kv"))
    step_ms = weights_ms + batch * kv_ms + all_reduces(of, batch, 80, 8192, tp) + overheads(of, batch, 80)
    asked = {"architecture": "llama-3.3-70b", "quantization": "fp8", "tp": tp, "concurrency": batch, **CACHED}
    assert evaluate(estimator, [asked])[0]["tpot_ms"] == pytest.approx(step_ms, rel=2e-3)


@pytest.mark.parametrize("batch", [1, 8])
def test_qwen3_30b_a3b_in_fp8_on_one_l40s(estimator: duckdb.DuckDBPyConnection, of: Coefficients, batch: int) -> None:
    asked = {"architecture": "qwen3-30b-a3b", "gpu": "L40S", "reported_memory_gib": 44.4, "quantization": "fp8"}
    attention, router, head, experts = 905_969_664, 12_582_912, 311_164_928, 28_991_029_248
    dense_ms = reading(attention / of("8bit", "m_q") + 2 * (router + head), 864, of("ada", "e_mem"))
    touched = 1 - (1 - 8 / 128) ** batch
    experts_ms = reading(experts * touched / of("8bit", "m_q"), 864, of("ada", "e_mem")) * narrow(of, 768)
    kv_ms = reading(48 * 2 * 4 * 128 * 2 * TOKENS, 864, of("all", "e_kv"))
    step_ms = dense_ms + experts_ms + batch * kv_ms + overheads(of, batch, 48, moe=48)
    answer = evaluate(estimator, [{**asked, "concurrency": batch, **CACHED}])[0]
    assert answer["tpot_ms"] == pytest.approx(step_ms, rel=2e-3)
    assert answer["calibration"] == "kernel"


def test_llama_8b_on_one_b200(estimator: duckdb.DuckDBPyConnection, of: Coefficients) -> None:
    """The engine's own work in a layer takes another time on another generation; its work for a request does not."""
    matrices, head = 32 * (2 * 4096 * 32 * 128 + 2 * 4096 * 8 * 128 + 3 * 4096 * 14336), 128256 * 4096
    read_ms = reading(2 * (matrices + head), 7700, of("blackwell_dc", "e_mem"))
    kv_ms = reading(32 * 2 * 8 * 128 * 2 * TOKENS, 7700, of("all", "e_kv"))
    layers_ms = of("blackwell_dc", "overhead_factor") * of("all", "t_layer_us") * 32 / 1e3
    asked = {"architecture": "llama-3.1-8b", "gpu": "B200-SXM-180GB", "reported_memory_gib": 178.35, **CACHED}
    answer = evaluate(estimator, [asked])[0]
    assert answer["tpot_ms"] == pytest.approx(read_ms + kv_ms + layers_ms + of("all", "t_request_us") / 1e3, rel=1e-6)


def test_attention_copies_exchange_tokens_where_they_share_experts(
    estimator: duckdb.DuckDBPyConnection, of: Coefficients
) -> None:
    """Mixtral, two copies of the attention that share one set of experts over their GPUs, against two copies of everything."""
    mixtral = {"architecture": "mixtral-8x7b", "tp": 1, "dp": 2, "concurrency": 2, "reported_memory_gib": 200.0, **CACHED}
    shared, apart = evaluate(estimator, [{**mixtral, "ep": 2}, mixtral])
    experts, expert_width = 45_097_156_608, 14336
    read_ms = reading(2 * experts, 3350, of("hopper", "e_mem")) * narrow(of, expert_width)
    touched_by_two, touched_by_one = 1 - (1 - 2 / 8) ** 2, 2 / 8
    exchange_ms = 2 * 32 * (of("all_to_all", "t_layer_us") / 1e3 + reading(2 * 4096 * 1, 450, of("nvlink", "e_link")))
    expected_ms = read_ms * (touched_by_two / 2 - touched_by_one) + exchange_ms
    assert shared["tpot_ms"] - apart["tpot_ms"] == pytest.approx(expected_ms, rel=1e-6)


def test_experts_of_sglang_and_trtllm_may_be_split_within_the_tp_group(estimator: duckdb.DuckDBPyConnection) -> None:
    """ep 2 in tp 4: each group of experts is split over two GPUs, which reads what tp 4 does; vLLM has no such layout."""
    asked = {"architecture": "mixtral-8x7b", "tp": 4, "concurrency": 8, "context": 2048}
    for engine in ("sglang", "trtllm"):
        within, plain = evaluate(estimator, [{**asked, "engine": engine, "ep": 2}, {**asked, "engine": engine}])
        assert within["ep"] == 2
        assert within["fits"]
        assert within["tpot_ms"] == plain["tpot_ms"]
        assert within["weights_gib_per_gpu"] == plain["weights_gib_per_gpu"]
    refused = evaluate(estimator, [{**asked, "engine": "vllm", "ep": 2}])[0]
    assert refused["outcome"] == "refused"
    assert "ep 2" in refused["reason"]


def test_trtllm_takes_its_share_of_what_loading_leaves(estimator: duckdb.DuckDBPyConnection) -> None:
    asked = {"architecture": "llama-3.1-8b", "engine": "trtllm", "gpu_memory_utilization": 0.5, "context": 2048}
    half = evaluate(estimator, [asked])[0]
    before = half["weights_gib_per_gpu"] + half["activation_gib_per_gpu"] + half["non_torch_gib_per_gpu"]
    assert half["memory_allowed_gib_per_gpu"] == pytest.approx(before + (79.2 - before) / 2)


def test_an_interval_is_around_its_estimate_and_wider_where_less_is_known(estimator: duckdb.DuckDBPyConnection) -> None:
    llama = {"architecture": "llama-3.1-8b", "concurrency": 4, "context": 2048}
    cards = [("H100-SXM5-80GB", 79.2), ("L40S", 44.4), ("V100-SXM2-32GB", 31.7)]
    answers = evaluate(estimator, [{**llama, "gpu": gpu, "reported_memory_gib": memory} for gpu, memory in cards])
    assert [answer["calibration"] for answer in answers] == ["measured", "kernel", "default"]
    for low, middle, high in (
        ("ttft_low_ms", "ttft_ms", "ttft_high_ms"),
        ("tpot_low_ms", "tpot_ms", "tpot_high_ms"),
        ("output_low_tokens_per_s", "output_tokens_per_s", "output_high_tokens_per_s"),
    ):
        assert all(answer[low] < answer[middle] < answer[high] for answer in answers)
        widths = [answer[high] / answer[low] for answer in answers]
        assert widths == sorted(widths)


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


@settings(max_examples=6, deadline=None)
@given(
    architecture=st.sampled_from(ARCHITECTURES),
    engine=st.sampled_from(ENGINES),
    tp=st.sampled_from([1, 2, 4]),
    tokens=st.tuples(st.integers(1, 6000), st.integers(1, 2000)),
    cached=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_batch_raises_throughput_without_a_jump(
    estimator: duckdb.DuckDBPyConnection, architecture: str, engine: str, tp: int, tokens: tuple[int, int], cached: float
) -> None:
    """Time per output token grows with the batch, and by no more than the requests beside the one that is timed."""
    load = {"input_tokens": tokens[0], "output_tokens": tokens[1], "context": sum(tokens), "cached_share": cached}
    base = {"architecture": architecture, "engine": engine, "tp": tp, "reported_memory_gib": 2000.0, **load}
    batches = [*range(2, 40), 63, 64, 65, 127, 128, 129, 255, 256, 257]
    answers = evaluate(estimator, [{**base, "max_num_seqs": 1024, "concurrency": batch} for batch in batches])
    times = [answer["tpot_ms"] for answer in answers]
    assert times == sorted(times)
    for (small, large), (fast, slow) in zip(itertools.pairwise(batches), itertools.pairwise(times), strict=True):
        assert slow / fast <= (large - 1) / (small - 1) * 1.0001


@settings(max_examples=7, deadline=None)
@given(
    architecture=st.sampled_from(ARCHITECTURES),
    batch=st.sampled_from([1, 3, 16, 100, 400]),
    tp=st.sampled_from([1, 2, 4]),
    tokens=st.tuples(st.integers(1, 6000), st.integers(1, 2000)),
    grown=st.sampled_from(["memory_bandwidth_gb_per_s", "bf16_tflops", "fp16_tflops", "link_gb_per_s"]),
)
def test_a_faster_card_never_slows_a_row(
    catalogs: dict[str, pl.DataFrame],
    estimator: duckdb.DuckDBPyConnection,
    architecture: str,
    batch: int,
    tp: int,
    tokens: tuple[int, int],
    grown: str,
) -> None:
    """One rate of the H100 in steps of a tenth, past the ridge on both sides: every time falls or stays, and none jumps."""
    card = catalogs["gpus"].filter(pl.col("gpu") == "H100-SXM5-80GB")
    steps = [round(0.5 * 1.1**number, 4) for number in range(16)]
    cards = pl.concat(
        card.with_columns(pl.lit(f"H100-{number}").alias("gpu"), (pl.col(grown) * step).alias(grown))
        for number, step in enumerate(steps)
    )
    load = {"input_tokens": tokens[0], "output_tokens": tokens[1], "context": sum(tokens), "concurrency": batch, "tp": tp}
    asked = {"architecture": architecture, "reported_memory_gib": 2000.0, "max_num_seqs": 1024, **load}
    estimator.execute("begin")
    try:
        estimator.from_arrow(cards.to_arrow()).insert_into("gpus")
        answers = evaluate(estimator, [{**asked, "gpu": f"H100-{number}"} for number in range(len(steps))])
    finally:
        estimator.execute("rollback")
    for name in ("ttft_ms", "tpot_ms"):
        times = [answer[name] for answer in answers]
        assert all(fast <= slow * (1 + 1e-9) for slow, fast in itertools.pairwise(times))
        assert all(slow <= fast * 1.1001 for slow, fast in itertools.pairwise(times))


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
            floor_ms = reading(2 * 7.5e9, bandwidth, 1.0)
            assert floor_ms < answers[gpu]["tpot_ms"] < 2.5 * floor_ms + 3, gpu
            fitted = generations[gpu] in ("hopper", "blackwell_dc", "cdna4")
            assert (answers[gpu]["calibration"] == "measured") is fitted, gpu
            assert (answers[gpu]["calibration"] == "default") or generations[gpu] not in ("other", "volta", "turing"), gpu
