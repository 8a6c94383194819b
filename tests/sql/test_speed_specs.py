"""How fast, how many, at what price: hand-worked rows and what must hold for all of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import duckdb
import polars as pl
import pytest
from asking import Answers, asks, configurations, evaluate

LLAMA = {"architecture": "llama-3.1-8b"}
GB = 1e9


@pytest.fixture(scope="module")
def of(catalogs: dict[str, pl.DataFrame]) -> Callable[[str, str], float]:
    """The shipped value of a coefficient, by key and name."""
    table = catalogs["speed_coefficients"]
    values = {(key, name): value for key, name, value in table.select("key", "name", "value").iter_rows()}
    return lambda key, name: values[key, name]


@asks([LLAMA])
def test_a_decode_step_spelled_out(answers: Answers, of: Callable[[str, str], float]) -> None:
    """Llama-3.1-8B in 16 bit on one H100 at one request: every figure of the closed form written out."""
    read_rate, peak = 3350 * GB * of("hopper", "e_mem"), 989e12
    matrices = 2 * 32 * 4096 * 32 * 128 + 2 * 32 * 4096 * 8 * 128 + 3 * 32 * 4096 * 14336
    head = 128256 * 4096
    read_ms = 2 * (matrices + head) / read_rate * 1e3
    kv_ms = 131072 * (1024 + 512) / (3350 * GB * of("all", "e_kv")) * 1e3
    overhead_ms = of("all", "t_layer_us") / 1000 * 32
    step_ms = read_ms + kv_ms + overhead_ms + of("all", "t_request_us") / 1000
    answer = answers[0]
    assert answer["single_stream_tpot_ms"] == pytest.approx(step_ms, rel=1e-6)
    assert answer["tpot_ms"] == answer["single_stream_tpot_ms"]
    assert answer["bound_by"] == "memory_bandwidth"
    assert answer["calibration"] == "measured"

    attention_flops = 32 * 4 * 32 * 128 * 1024**2 / 2
    prefill_ms = (
        2 * matrices * 1024 / (peak * of("hopper", "e_pf"))
        + attention_flops / (peak * of("hopper", "e_pf") * of("all", "e_attn"))
        + of("all", "activation_passes") * 2 * 4096 * 32 * 1024 / read_rate
    ) * 1e3
    assert answer["ttft_ms"] == pytest.approx(of("unloaded", "t0_ms") + prefill_ms + step_ms, rel=1e-6)
    whole_ms = answer["ttft_ms"] + 1023 * answer["tpot_ms"]
    assert answer["output_tokens_per_s"] == pytest.approx(1024 / whole_ms * 1e3)


@asks([LLAMA, {**LLAMA, "context": 2048, "concurrency": 64}])
def test_sixty_four_requests_interrupt_each_other(answers: Answers, of: Callable[[str, str], float]) -> None:
    """At 64 requests a token waits for phi x 63/1024 prefills, and prompts queue behind each other."""
    one, many = answers
    prefill = one["ttft_ms"] - of("unloaded", "t0_ms") - one["single_stream_tpot_ms"]
    kv_ms = 131072 * 1536 / (3350 * GB * of("all", "e_kv")) * 1e3
    step = one["single_stream_tpot_ms"] + 63 * (kv_ms + of("all", "t_request_us") / 1000)
    assert many["tpot_ms"] == pytest.approx(step + of("vllm", "phi") * 63 / 1024 * prefill, rel=1e-6)
    queue = 1 + of("closed_vllm", "kappa") * 63 ** of("closed_all", "gamma")
    ttft_ms = of("closed_vllm", "t0_ms") + of("closed_vllm", "k_steps") * step + prefill * queue
    assert many["ttft_ms"] == pytest.approx(ttft_ms, rel=1e-6)
    assert many["single_stream_tpot_ms"] == one["single_stream_tpot_ms"]


@asks([{**LLAMA, "concurrency": 16, "usd_per_hour": 3.6, "input_tokens": 3072}])
def test_cost_follows_from_price_and_rate(answers: Answers) -> None:
    answer = answers[0]
    assert answer["usd_per_million_output_tokens"] == pytest.approx(1000 / answer["output_tokens_per_s"])
    assert answer["usd_per_million_total_tokens"] == pytest.approx(answer["usd_per_million_output_tokens"] / 4)


MIXTRAL_ON_TWO = {"architecture": "mixtral-8x7b", "tp": 2}


@asks([MIXTRAL_ON_TWO, {**MIXTRAL_ON_TWO, "concurrency": 16, "input_tokens": 1}])
def test_experts_are_read_as_far_as_tokens_touch_them(answers: Answers, of: Callable[[str, str], float]) -> None:
    """Mixtral on 2 H100: one token reads two of eight experts, sixteen read nearly all of them."""
    one, sixteen = answers
    experts_ms = 2 * 45_097_156_608 / 2 / (3350 * GB * of("hopper", "e_mem")) * 1e3
    grown = sixteen["tpot_ms"] - one["single_stream_tpot_ms"]
    assert grown == pytest.approx(experts_ms * ((1 - 0.75**16) - 0.25), rel=0.1)


LONG = {**LLAMA, "context": 131072, "input_tokens": 60_000, "output_tokens": 2_000, "concurrency": 64}


@asks([{**LLAMA, "context": 131072, "concurrency": 64}, LONG])
def test_a_load_is_capped_by_its_own_tokens_and_says_so(answers: Answers) -> None:
    """Requests of 2,048 tokens all run, however few sequences of the full context are held; of 62,000 what there is room for."""
    short, long = answers
    assert short["max_sequences"] < 64 and short["batch_per_replica"] == 64 and short["reason"] is None
    pool, mean, peak = long["kv_cache_tokens"], 61_008, 62_000  # of a request, in whole blocks of 16
    slack = 2 * (peak - mean) / 3**0.5
    held = int((((slack**2 + 4 * mean * pool) ** 0.5 - slack) / (2 * mean)) ** 2)
    assert long["batch_per_replica"] == max(held, pool // peak) < 64
    assert long["reason"] == f"at most {long['batch_per_replica']} of 64 requests run at once, the others queue"


@asks([{**LLAMA, "context": context, "concurrency": 48} for context in (2048, 8192, 32768, 131072)])
def test_the_context_never_changes_the_speed_of_a_stated_load(answers: Answers) -> None:
    first = answers[0]
    for answer in answers:
        assert answer["fits"]
        for name in ("batch_per_replica", "ttft_ms", "tpot_ms", "output_tokens_per_s"):
            assert answer[name] == first[name]
    assert len({answer["max_sequences"] for answer in answers}) == 4


@asks([{**LLAMA, "concurrency": 32}, {**LLAMA, "dp": 2, "concurrency": 64}])
def test_copies_share_the_requests(answers: Answers) -> None:
    one, two = answers
    assert (one["batch_per_replica"], two["batch_per_replica"]) == (32, 32)
    assert two["tpot_ms"] == one["tpot_ms"]
    assert two["output_tokens_per_s"] == pytest.approx(2 * one["output_tokens_per_s"])


def test_the_best_batch_is_the_largest_that_meets_the_slo(estimator: duckdb.DuckDBPyConnection) -> None:
    """The default load at 8,192: the batch found meets the bounds, and an eighth more, or the memory, does not."""
    load = {**LLAMA, "input_tokens": 6144, "output_tokens": 2048}
    best = evaluate(estimator, [{**load, "concurrency": None}])[0]
    bound_ms = 2000 + 0.42 * 6144
    assert best["ttft_ms"] <= bound_ms
    assert best["tpot_ms"] <= 100
    more = math.ceil(1.125 * best["batch_per_replica"])
    beyond = evaluate(estimator, [{**load, "concurrency": more}])[0]
    assert beyond["ttft_ms"] > bound_ms or beyond["tpot_ms"] > 100 or beyond["batch_per_replica"] < more


CHANGES = [
    ({"gpu": "H100-SXM5-80GB", "reported_memory_gib": 79.2}, {"gpu": "H200-SXM-141GB", "reported_memory_gib": 79.2}),
    ({"quantization": "native"}, {"quantization": "fp8"}),
    ({"kv_dtype": "auto"}, {"kv_dtype": "fp8"}),
    ({"input_tokens": 4096}, {"input_tokens": 1024}),
    ({"cached_share": 0.0}, {"cached_share": 0.9}),
    (
        {"interconnect_kind": "pcie", "link_gb_per_s": 32, "tp": 2},
        {"interconnect_kind": "nvlink", "link_gb_per_s": 450, "tp": 2},
    ),
]


@pytest.mark.parametrize(
    "better",
    [
        pytest.param(
            better,
            id=f"{worse}-{better}",
            marks=asks([{**LLAMA, **change, "concurrency": batch} for batch in (1, 2, 7, 16, 40) for change in (worse, better)]),
        )
        for worse, better in CHANGES
    ],
)
def test_more_bandwidth_or_less_work_never_slows(answers: Answers, better: dict[str, object]) -> None:
    assert len(answers) == 10
    for slow, fast in zip(answers[::2], answers[1::2], strict=True):
        assert fast["tpot_ms"] <= slow["tpot_ms"] + 1e-9, better
        assert fast["output_tokens_per_s"] >= slow["output_tokens_per_s"] - 1e-9, better


@asks([{**LLAMA, "concurrency": batch} for batch in (1, 2, 4, 8, 16, 32)])
def test_throughput_rises_with_the_batch_and_never_beats_physics(answers: Answers) -> None:
    rates = [answer["output_tokens_per_s"] for answer in answers]
    assert rates == sorted(rates)
    weights_ms = 2 * (8.03e9 - 128256 * 4096) / 3350e9 * 1e3
    assert all(answer["tpot_ms"] > weights_ms for answer in answers)


@asks([{**LLAMA, "gpu": "QUADRO-RTX-6000", "reported_memory_gib": 23.5}])
def test_a_card_without_rates_has_memory_but_no_speed(answers: Answers) -> None:
    answer = answers[0]
    assert answer["fits"]
    assert answer["tpot_ms"] is None
    assert answer["bound_by"] is None
    assert answer["calibration"] is None
    assert "no specs" in answer["reason"]


def test_speculative_decoding_checks_several_tokens_in_one_step(estimator: duckdb.DuckDBPyConnection) -> None:
    """A step of Llama-3.1-8B that checks four tokens reads the same bytes: what it accepts of them is nearly free at batch 1."""
    rows = [{**LLAMA, "context": 2048, "concurrency": batch} for batch in (1, 400)]
    estimator.register("asked_rows", configurations([{**row, "reported_memory_gib": 500.0} for row in rows]).to_arrow())
    try:
        estimator.execute(
            """create or replace temp table speculated_shards as from sharded('asked_rows');
            create or replace temp table speculated_replicas as from sized('speculated_shards');
            create or replace temp table speculated_loads as from served('speculated_replicas')"""
        )
    finally:
        estimator.unregister("asked_rows")

    def asked(drafted: int, accepted: float, drafting: float) -> list[dict[str, float]]:
        query = f"from speculated('speculated_loads', {drafted}, {accepted}, {drafting}) order by id"
        return estimator.sql(query).pl().to_dicts()

    for plain in asked(0, 0.7, 0.1):
        assert plain["speculative_tpot_ms"] == pytest.approx(plain["tpot_ms"])
    alone, loaded = asked(3, 0.7, 0.02)
    drafting_ms = 3 * 0.02 * alone["decode_ms"]
    accepted = 1 + 0.7 + 0.7**2 + 0.7**3
    assert alone["speculative_tpot_ms"] == pytest.approx((alone["decode_ms"] + drafting_ms) / accepted, rel=1e-6)
    assert alone["speculative_output_tokens_per_s"] > 2 * 1024 / (alone["ttft_ms"] + 1023 * alone["tpot_ms"]) * 1e3
    assert loaded["tpot_ms"] / loaded["speculative_tpot_ms"] < alone["tpot_ms"] / alone["speculative_tpot_ms"]
    assert all(none["speculative_tpot_ms"] > none["tpot_ms"] for none in asked(3, 0.0, 0.02))
