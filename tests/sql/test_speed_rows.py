"""Speed of well-known models, every term of the closed form written out.

The prompts are in the prefix cache (cached_share 1), so that time per output token is the decode step alone: weights read once,
the experts that the tokens touch, the KV cache at a mean context of 1024 + 1024/2 tokens, all-reduces and overheads.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import duckdb
import polars as pl
import pytest
from asking import evaluate_together

CACHED = {"cached_share": 1.0, "context": 2048}
TOKENS = 1536
Coefficients = Callable[[str, str], float]
Answer = dict[str, object]
MIXTRAL = {"architecture": "mixtral-8x7b", **CACHED}
DEEPSEEK = {"architecture": "deepseek-v3", "gpu": "H200-SXM-141GB", "reported_memory_gib": 139.8, "tp": 8, **CACHED}
LLAMA_70B = {"architecture": "llama-3.3-70b", "quantization": "fp8", **CACHED}
QWEN3_30B = {"architecture": "qwen3-30b-a3b", "gpu": "L40S", "reported_memory_gib": 44.4, "quantization": "fp8", **CACHED}
TWO_COPIES = {**MIXTRAL, "tp": 1, "dp": 2, "concurrency": 2, "reported_memory_gib": 200.0}
SPLIT_WITHIN = {"architecture": "mixtral-8x7b", "tp": 4, "concurrency": 8, "context": 2048}
LLAMA_OF_FOUR = {"architecture": "llama-3.1-8b", "concurrency": 4, "context": 2048}
CARDS = [("H100-SXM5-80GB", 79.2), ("L40S", 44.4), ("V100-SXM2-32GB", 31.7)]
ASKED: dict[str, list[dict[str, object]]] = {
    **{f"mixtral of {batch}": [{**MIXTRAL, "tp": 2, "concurrency": batch}] for batch in (1, 32)},
    **{f"deepseek of {batch}": [{**DEEPSEEK, "concurrency": batch}] for batch in (1, 16)},
    "gpt-oss": [{"architecture": "gpt-oss-120b", **CACHED}],
    **{
        f"llama 70b on {tp} of {batch}": [{**LLAMA_70B, "tp": tp, "concurrency": batch}]
        for tp, batch in ((2, 1), (4, 1), (4, 64))
    },
    **{f"qwen3 30b of {batch}": [{**QWEN3_30B, "concurrency": batch}] for batch in (1, 8)},
    "llama 8b on b200": [{"architecture": "llama-3.1-8b", "gpu": "B200-SXM-180GB", "reported_memory_gib": 178.35, **CACHED}],
    "experts shared and apart": [{**TWO_COPIES, "ep": 2}, TWO_COPIES],
    **{f"split within by {engine}": [{**SPLIT_WITHIN, "engine": engine, "ep": 2}] for engine in ("vllm", "sglang", "trtllm")},
    **{f"not split by {engine}": [{**SPLIT_WITHIN, "engine": engine}] for engine in ("sglang", "trtllm")},
    "half of what loading leaves": [
        {"architecture": "llama-3.1-8b", "engine": "trtllm", "gpu_memory_utilization": 0.5, "context": 2048}
    ],
    "intervals": [
        {**LLAMA_OF_FOUR, "gpu": gpu, "reported_memory_gib": memory, "engine_version": "0.18"} for gpu, memory in CARDS
    ],
}


@pytest.fixture(scope="module")
def answers(estimator: duckdb.DuckDBPyConnection) -> dict[str, list[Answer]]:
    return evaluate_together(estimator, ASKED)


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
def test_mixtral_8x7b_on_two_h100(answers: dict[str, list[Answer]], of: Coefficients, batch: int) -> None:
    attention, router, head, experts = 1_342_177_280, 1_048_576, 131_072_000, 45_097_156_608
    touched = 1 - (1 - 2 / 8) ** batch
    dense_ms = reading(2 * (attention + router + head) / 2, 3350, of("hopper", "e_mem"))
    experts_ms = max(
        reading(2 * experts * touched / 2, 3350, of("hopper", "e_mem")) * narrow(of, 14336 / 2),
        computing(2 * batch * experts * 2 / 8 / 2, 989, of("all", "e_dec") * of("moe", "c_moe")),
    )
    kv_ms = reading(32 * 2 * 8 * 128 * 2 * TOKENS / 2, 3350, of("all", "e_kv"))
    step_ms = dense_ms + experts_ms + batch * kv_ms + all_reduces(of, batch, 32, 4096, 2) + overheads(of, batch, 32, moe=32)
    assert answers[f"mixtral of {batch}"][0]["tpot_ms"] == pytest.approx(step_ms, rel=1e-6)


@pytest.mark.parametrize("batch", [1, 16])
def test_deepseek_v3_in_fp8_on_eight_h200(
    answers: dict[str, list[Answer]], estimator: duckdb.DuckDBPyConnection, of: Coefficients, batch: int
) -> None:
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
    assert answers[f"deepseek of {batch}"][0]["tpot_ms"] == pytest.approx(step_ms, rel=1e-6)


def latent_layers(estimator: duckdb.DuckDBPyConnection, architecture: str) -> int:
    """Layers of latent attention as the architecture's row counts them."""
    rows = estimator.table("architectures").filter(f"architecture_key = '{architecture}'").select("mla_layers").fetchall()
    return rows[0][0]


def test_gpt_oss_120b_on_one_h100(answers: dict[str, list[Answer]], of: Coefficients) -> None:
    """Experts in mxfp4, the rest in 16 bit; half of the layers see 128 tokens only."""
    attention, router, head = 955_000_000, 13_300_000, 579_133_440
    dense_ms = reading(2 * (attention + router + head), 3350, of("hopper", "e_mem"))
    experts_ms = reading(60_900_000_000 * 4 / 128 / of("w4a16", "m_q"), 3350, of("hopper", "e_mem")) * narrow(of, 2880)
    kv_ms = reading(18 * 2 * 8 * 64 * 2 * TOKENS + 18 * 2 * 8 * 64 * 2 * 128, 3350, of("all", "e_kv"))
    step_ms = dense_ms + experts_ms + kv_ms + overheads(of, 1, 36, moe=36)
    assert answers["gpt-oss"][0]["tpot_ms"] == pytest.approx(step_ms, rel=1e-6)


@pytest.mark.parametrize(("tp", "batch"), [(2, 1), (4, 1), (4, 64)])
def test_llama_70b_in_fp8_on_two_and_four_h100(answers: dict[str, list[Answer]], of: Coefficients, tp: int, batch: int) -> None:
    linear = 80 * (2 * 8192 * 8192 + 2 * 8192 * 1024 + 3 * 8192 * 28672)
    head = 128256 * 8192
    weights_ms = max(
        reading((linear / of("8bit", "m_q") + 2 * head) / tp, 3350, of("hopper", "e_mem")),
        computing(2 * batch * linear / tp, 1979, of("8bit", "c_q") * of("all", "e_dec"))
        + computing(2 * batch * head / tp, 989, of("all", "e_dec")),
    )
    kv_ms = reading(80 * 2 * 8 * 128 * 2 * TOKENS / tp, 3350, of("all", "e_kv"))
    step_ms = weights_ms + batch * kv_ms + all_reduces(of, batch, 80, 8192, tp) + overheads(of, batch, 80)
    assert answers[f"llama 70b on {tp} of {batch}"][0]["tpot_ms"] == pytest.approx(step_ms, rel=2e-3)


@pytest.mark.parametrize("batch", [1, 8])
def test_qwen3_30b_a3b_in_fp8_on_one_l40s(answers: dict[str, list[Answer]], of: Coefficients, batch: int) -> None:
    attention, router, head, experts = 905_969_664, 12_582_912, 311_164_928, 28_991_029_248
    dense_ms = reading(attention / of("8bit", "m_q") + 2 * (router + head), 864, of("ada", "e_mem"))
    touched = 1 - (1 - 8 / 128) ** batch
    experts_ms = reading(experts * touched / of("8bit", "m_q"), 864, of("ada", "e_mem")) * narrow(of, 768)
    kv_ms = reading(48 * 2 * 4 * 128 * 2 * TOKENS, 864, of("all", "e_kv"))
    step_ms = dense_ms + experts_ms + batch * kv_ms + overheads(of, batch, 48, moe=48)
    answer = answers[f"qwen3 30b of {batch}"][0]
    assert answer["tpot_ms"] == pytest.approx(step_ms, rel=2e-3)
    assert answer["calibration"] == "kernel"


def test_llama_8b_on_one_b200(answers: dict[str, list[Answer]], of: Coefficients) -> None:
    """The engine's own work in a layer takes another time on another generation; its work for a request does not."""
    matrices, head = 32 * (2 * 4096 * 32 * 128 + 2 * 4096 * 8 * 128 + 3 * 4096 * 14336), 128256 * 4096
    read_ms = reading(2 * (matrices + head), 7700, of("blackwell_dc", "e_mem"))
    kv_ms = reading(32 * 2 * 8 * 128 * 2 * TOKENS, 7700, of("all", "e_kv"))
    layers_ms = of("blackwell_dc", "overhead_factor") * of("all", "t_layer_us") * 32 / 1e3
    answer = answers["llama 8b on b200"][0]
    assert answer["tpot_ms"] == pytest.approx(read_ms + kv_ms + layers_ms + of("all", "t_request_us") / 1e3, rel=1e-6)


def test_attention_copies_exchange_tokens_where_they_share_experts(answers: dict[str, list[Answer]], of: Coefficients) -> None:
    """Mixtral, two copies of the attention that share one set of experts over their GPUs, against two copies of everything."""
    shared, apart = answers["experts shared and apart"]
    experts, expert_width = 45_097_156_608, 14336
    read_ms = reading(2 * experts, 3350, of("hopper", "e_mem")) * narrow(of, expert_width)
    touched_by_two, touched_by_one = 1 - (1 - 2 / 8) ** 2, 2 / 8
    exchange_ms = 2 * 32 * (of("all_to_all", "t_layer_us") / 1e3 + reading(2 * 4096 * 1, 450, of("nvlink", "e_link")))
    expected_ms = read_ms * (touched_by_two / 2 - touched_by_one) + exchange_ms
    assert shared["tpot_ms"] - apart["tpot_ms"] == pytest.approx(expected_ms, rel=1e-6)


def test_experts_of_sglang_and_trtllm_may_be_split_within_the_tp_group(answers: dict[str, list[Answer]]) -> None:
    """ep 2 in tp 4: each group of experts is split over two GPUs, which reads what tp 4 does; vLLM has no such layout."""
    for engine in ("sglang", "trtllm"):
        within, plain = answers[f"split within by {engine}"][0], answers[f"not split by {engine}"][0]
        assert within["ep"] == 2
        assert within["fits"]
        assert within["tpot_ms"] == plain["tpot_ms"]
        assert within["weights_gib_per_gpu"] == plain["weights_gib_per_gpu"]
    refused = answers["split within by vllm"][0]
    assert refused["outcome"] == "refused"
    assert "ep 2" in refused["reason"]


def test_trtllm_takes_its_share_of_what_loading_leaves(answers: dict[str, list[Answer]]) -> None:
    half = answers["half of what loading leaves"][0]
    before = half["weights_gib_per_gpu"] + half["activation_gib_per_gpu"] + half["non_torch_gib_per_gpu"]
    assert half["memory_allowed_gib_per_gpu"] == pytest.approx(before + (79.2 - before) / 2)


def test_an_interval_is_around_its_estimate_and_wider_where_less_is_known(answers: dict[str, list[Answer]]) -> None:
    of_cards = answers["intervals"]
    assert [answer["calibration"] for answer in of_cards] == ["measured", "kernel", "default"]
    for low, middle, high in (
        ("ttft_low_ms", "ttft_ms", "ttft_high_ms"),
        ("tpot_low_ms", "tpot_ms", "tpot_high_ms"),
        ("output_low_tokens_per_s", "output_tokens_per_s", "output_high_tokens_per_s"),
    ):
        assert all(answer[low] < answer[middle] < answer[high] for answer in of_cards)
        widths = [answer[high] / answer[low] for answer in of_cards]
        assert widths == sorted(widths)
