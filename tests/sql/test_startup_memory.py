"""What an engine's release, a card and a kind of model add at start-up; figures in comments are those of start-up logs."""

from __future__ import annotations

import duckdb
import pytest
from asking import Answers, asks

GIB = 1024**3


RTX_3090 = {"architecture": "llama-3.1-8b", "gpu": "RTX-3090", "reported_memory_gib": 23.58, "engine_version": "0"}


@asks(
    [
        {**RTX_3090, "context": 20000},
        {**RTX_3090, "context": 29000},
        {**RTX_3090, "context": 40000},
        {**RTX_3090, "context": 29000, "engine_version": "0.9"},
        {**RTX_3090, "context": 29000, "max_num_batched_tokens": 2048},
    ]
)
def test_the_first_engine_profiles_one_prefill_of_the_whole_context(answers: Answers) -> None:
    """Llama-3.1-8B on an RTX 3090: 2.07 GiB at 20,000 and 2.99 at 29,000; beyond 32,768, and in newer engines, it is chunked."""
    short, longer, chunked, newer, set_by_hand = answers
    assert short["activation_gib_per_gpu"] == pytest.approx(2.07, rel=0.1)
    assert longer["activation_gib_per_gpu"] == pytest.approx(2.99, rel=0.1)
    assert longer["max_num_batched_tokens"] == 29000
    assert [row["max_num_batched_tokens"] for row in (chunked, newer, set_by_hand)] == [2048, 2048, 2048]


GPT_OSS_ON_H200 = {"architecture": "gpt-oss-120b", "gpu": "H200-SXM-141GB", "reported_memory_gib": 139.8}


@asks([{**GPT_OSS_ON_H200, "tp": tp, "gpu_count": tp} for tp in (1, 2, 4, 8)])
def test_padded_experts_weigh_more_when_split(answers: Answers) -> None:
    """gpt-oss-120b on H200: 66.14, 34.38, 17.22 and 8.66 GiB at tp 1, 2, 4 and 8."""
    rows = answers
    assert [row["weights_gib_per_gpu"] for row in rows] == pytest.approx([66.14, 34.38, 17.22, 8.66], rel=0.01)


MIXTRAL_OF_1024 = {"architecture": "mixtral-8x7b", "max_num_seqs": 1024}


@asks(
    [
        {**MIXTRAL_OF_1024, "engine_version": "0.9", "max_num_batched_tokens": 2048},
        {**MIXTRAL_OF_1024, "engine_version": "0.18", "max_num_batched_tokens": 2048},
        {**MIXTRAL_OF_1024, "engine_version": "0.18", "max_num_batched_tokens": 4096},
    ]
)
def test_routed_tokens_keep_buffers_beside_the_sampler(answers: Answers) -> None:
    """From 0.17 the buffers grow with the batched tokens; before, the sampler alone decides."""
    old, few, many = answers
    assert old["activation_gib_per_gpu"] == pytest.approx(38.7 * 1024 * 32000 / GIB, rel=0.01)
    buffers = 2 * 2048 * 2 * (14336 + 2 * 14336) / GIB
    assert many["activation_gib_per_gpu"] - few["activation_gib_per_gpu"] >= buffers * 0.99


@asks(
    [
        {"architecture": "llama-3.1-8b"},
        {"architecture": "llama-3.3-70b", "tp": 4, "gpu_count": 4},
        {"architecture": "llama-3.1-8b", "enforce_eager": True},
        {"architecture": "llama-3.1-8b", "engine_version": "0.18", "gpu_memory_utilization": 0.92},
    ]
)
def test_graphs_grow_with_layers_and_only_newer_engines_set_them_aside(answers: Answers) -> None:
    small, large, eager, old = answers
    assert large["cuda_graphs_gib_per_gpu"] / small["cuda_graphs_gib_per_gpu"] == pytest.approx(80 / 32)
    assert eager["cuda_graphs_gib_per_gpu"] == 0
    set_aside = eager["kv_cache_gib_per_gpu"] - small["kv_cache_gib_per_gpu"]
    assert set_aside == pytest.approx(small["cuda_graphs_gib_per_gpu"])
    assert old["kv_cache_gib_per_gpu"] == pytest.approx(eager["kv_cache_gib_per_gpu"])


@asks(
    [
        {"architecture": "llama-3.1-8b", "gpu": "H100-SXM5-80GB", "reported_memory_gib": 121.6},
        {"architecture": "llama-3.1-8b", "gpu": "GH200-144GB", "reported_memory_gib": 121.6},
        {"architecture": "llama-3.1-8b", "gpu": "GB10", "reported_memory_gib": 121.6},
    ]
)
def test_shared_memory_leaves_less_and_is_less_certain(answers: Answers) -> None:
    """GB10 and Jetson Thor: the system holds 2.4 to 4.6 GiB, and the small defaults hold although memory is large."""
    own, coherent, shared = answers
    assert 2.4 <= shared["non_torch_gib_per_gpu"] <= 4.6
    assert coherent["non_torch_gib_per_gpu"] == own["non_torch_gib_per_gpu"] and coherent["band_gib"] == own["band_gib"]
    assert shared["band_gib"] >= own["band_gib"] + 4
    assert (own["max_num_seqs"], shared["max_num_seqs"]) == (1024, 256)


@asks(
    [
        {"architecture": "llama-3.1-8b", "tp": 2, "gpu_count": 2, "gpu": gpu, "interconnect_kind": link}
        for gpu, link in (("H100-SXM5-80GB", "nvlink"), ("GB300-279GB", "nvlink"), ("L40S", "pcie"))
    ]
)
def test_links_of_newer_machines_hold_more(answers: Answers) -> None:
    rows = answers
    hopper, blackwell, pcie = (row["non_torch_gib_per_gpu"] for row in rows)
    assert pcie < hopper < blackwell


@asks(
    [
        {"architecture": "mamba-hybrid", "engine_version": version, "context": 32768, "gpu_memory_utilization": 0.9}
        for version in ("0.20", "0.21")
    ]
)
def test_a_hybrid_states_fewer_tokens_before_0_21(answers: Answers) -> None:
    """Up to 0.20 the log divides the pages among the groups of layers that share them; the longest context does not change."""
    before, now = answers
    assert before["kv_cache_tokens"] < now["kv_cache_tokens"]
    assert before["max_context"] == now["max_context"]


VISION_ON_A100 = {
    "architecture": "qwen2.5-vl-7b",
    "gpu": "A100-SXM4-80GB",
    "reported_memory_gib": 79.1,
    "gpu_memory_utilization": 0.22,
}


@asks(
    [
        {**VISION_ON_A100, "context": 128000},
        {**VISION_ON_A100, "context": 40000},
        {**VISION_ON_A100, "context": 8192},
        {**VISION_ON_A100, "context": 128000, "tp": 4, "gpu_count": 4},
        {**VISION_ON_A100, "context": 128000, "engine_version": "0"},
    ]
)
def test_an_encoder_is_profiled_with_the_longest_video_that_the_context_holds(answers: Answers) -> None:
    """Qwen2.5-VL-7B at 0.23.0 and utilization 0.22 on 79.1 GiB: 114,688 tokens of video leave -14.28 GiB for the cache."""
    whole, medium, short, split, before = answers
    assert whole["kv_cache_gib_per_gpu"] == pytest.approx(-14.28, abs=0.3)
    assert medium["activation_gib_per_gpu"] == pytest.approx(32768 * 142600 / GIB, rel=0.01)
    assert short["activation_gib_per_gpu"] == pytest.approx(16384 * 142600 / GIB, rel=0.01)
    assert split["activation_gib_per_gpu"] < 0.6 * whole["activation_gib_per_gpu"]
    assert before["activation_gib_per_gpu"] < short["activation_gib_per_gpu"]


VISION_ON_RTX_3090 = {"architecture": "qwen2.5-vl-7b", "gpu": "RTX-3090", "reported_memory_gib": 23.58, "context": 128000}


@asks([{**VISION_ON_RTX_3090, "quantization": "awq-4bit"}])
def test_a_misfit_for_a_video_names_the_flag_that_leaves_videos_out(answers: Answers) -> None:
    """Qwen2.5-VL of 7B on a card of 24 GiB: no cache is left beside the video of the profiling run."""
    (row,) = answers
    assert not row["fits"]
    assert row["reason"].endswith("fits with --limit-mm-per-prompt '{\"video\": 0}'")


@asks([{"architecture": "gemma-3-27b", "tp": tp, "gpu_count": tp} for tp in (1, 2)])
def test_a_tower_is_divided_but_for_a_third(answers: Answers) -> None:
    """Mistral-Small-3.1 (w8a8) at tp 1 and 2: 24.07 and 12.11 GiB with a tower of 0.82."""
    one, two = answers
    tower = 2 * 417_000_000 / GIB
    whole = (2 * (2 * 62 + 1) * 5376 + 2 * 131072 * 128) / GIB  # norms and rotary tables
    halved = (one["weights_gib_per_gpu"] - tower - whole) / 2 + whole
    assert two["weights_gib_per_gpu"] - halved == pytest.approx(tower * (0.32 + 0.68 / 2), rel=0.01)


@asks([{"architecture": "deepseek-v3", "tp": 8, "gpu_count": 8, "gpu": "H200-SXM-141GB"}])
def test_latent_attention_keeps_copies_of_its_up_projections(answers: Answers, estimator: duckdb.DuckDBPyConnection) -> None:
    """Counted in every layout: 61 layers of 128 heads, 256 values a head and 512 of the latent, divided by tp."""
    (row,) = answers
    counted = estimator.sql("select loaded_weights_bytes from architectures where architecture_key = 'deepseek-v3'").fetchall()[
        0
    ][0]
    copies = 2 * 61 * 128 * 256 * 512 / 8 / GIB
    assert row["weights_gib_per_gpu"] - counted / 8 / GIB >= copies


@asks(
    [
        {"architecture": "llama-3.1-8b", "context": 131072},
        {"architecture": "llama-3.1-8b", "context": 1024},
        {"architecture": "llama-3.1-8b", "tp": 2, "gpu_count": 2},
    ]
)
def test_rotary_tables_are_as_long_as_the_config_says(answers: Answers) -> None:
    """Llama-3.1-8B loads 14.99 GiB where 14.96 are stored: 131,072 positions of 128 values, on every GPU and at any context."""
    one, short, two = answers
    assert one["weights_gib_per_gpu"] == short["weights_gib_per_gpu"] == pytest.approx(14.99, abs=0.005)
    table = 2 * 131072 * 128 / GIB
    norms = 2 * 65 * 4096 / GIB
    assert two["weights_gib_per_gpu"] == pytest.approx((one["weights_gib_per_gpu"] - table - norms) / 2 + table + norms)
