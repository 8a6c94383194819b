"""Which layers have experts, and how wide the feed-forward parts are."""

from __future__ import annotations

import json

import pytest
from extraction_cases import LLAMA, architecture, refused

BASE = {key: value for key, value in LLAMA.items() if key != "intermediate_size"} | {"num_hidden_layers": 6}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2, "intermediate_size": 32}
EXPERT = 3 * 64 * 32


@pytest.mark.parametrize(
    ("more", "layers"),
    [
        ({}, 6),
        ({"mlp_layer_types": ["dense", "sparse", "moe", "dense", "dense", "dense"]}, 2),
        ({"moe_layers": [1, 5]}, 2),
        ({"moe_layers_enum": "3, 4,5"}, 3),
        ({"moe_layer_freq": [0, 1, 1, 1, 1, 1]}, 5),
        ({"moe_layer_freq": 2}, 3),
        ({"moe_layer_freq": True}, 6),
        ({"mlp_only_layers": [0, 1]}, 4),
        ({"decoder_sparse_step": 2}, 3),
        ({"decoder_sparse_step": 4}, 1),
        ({"interleave_moe_layer_step": 3}, 2),
        ({"expert_layer_period": 4, "expert_layer_offset": 1}, 2),
        ({"first_k_dense_replace": 1}, 5),
        ({"moe_layer_num_skipped": 2}, 4),
        ({"moe_layer_end_index": 3}, 4),
        ({"moe_layer_interval": 4}, 1),
        ({"moe_layer_frequency": 3, "first_k_dense_replace": 3}, 1),
        ({"num_experts": [4, 1, 4, 1, 1, 1], "num_local_experts": None}, 2),
        ({"num_local_experts": 1}, 0),
    ],
)
def test_layers_with_experts(more: dict[str, object], layers: int) -> None:
    row = architecture({**BASE, **EXPERTS, **more})
    assert row["moe_layers"] == layers
    assert row["parameters_routed_experts"] == layers * 4 * EXPERT
    assert row["parameters_dense_mlp"] == (6 - layers) * EXPERT
    assert row["moe_intermediate_size"] == (32 if layers else None)


def test_a_pattern_of_letters_gives_each_layer_one_part() -> None:
    config = {**BASE, **EXPERTS, "model_type": "nemotron_h", "hybrid_override_pattern": "*E-E*-"}
    row = architecture(config)
    assert (row["attention_layers"], row["moe_layers"], row["parameters_dense_mlp"]) == (2, 2, 2 * 2 * 64 * 32)


def test_gemma_4_has_a_dense_part_beside_its_experts() -> None:
    config = {**BASE, **EXPERTS, "moe_intermediate_size": 16, "enable_moe_block": True, "model_type": "gemma4_text",
              "sliding_window": 8}  # fmt: skip
    row = architecture(config)
    assert (row["parameters_dense_mlp"], row["parameters_routed_experts"]) == (6 * EXPERT, 6 * 4 * EXPERT // 2)
    assert (row["intermediate_size"], row["moe_intermediate_size"]) == (32, 16)


def test_gemma_4_doubles_the_width_of_layers_that_share_a_cache() -> None:
    config = {**BASE, "intermediate_size": 32, "model_type": "gemma4_text", "sliding_window": 8, "num_kv_shared_layers": 2}
    assert architecture({**config, "use_double_wide_mlp": True})["parameters_dense_mlp"] == (4 + 2 * 2) * EXPERT
    assert architecture(config)["parameters_dense_mlp"] == 6 * EXPERT


@pytest.mark.parametrize(
    ("more", "width"),
    [
        ({"intermediate_size": 48}, 48),
        ({"intermediate_size": 48, "intermediate_size_mlp": 96}, 96),
        ({"expansion_ratio": 3}, 192),
        ({"model_type": "gpt2"}, 256),
        ({"model_type": "qwen", "intermediate_size": 48}, 24),
        ({"model_type": "lfm2", "intermediate_size": 96, "block_multiple_of": 48}, 96),
        ({"model_type": "lfm2", "intermediate_size": 96, "block_multiple_of": 8, "block_ffn_dim_multiplier": 1.5}, 96),
        ({"model_type": "lfm2", "intermediate_size": 96, "block_auto_adjust_ff_dim": False}, 96),
        ({"intermediate_size": [16, 32, 48, 64, 16, 16]}, 64),
    ],
)
def test_widths_of_the_dense_part(more: dict[str, object], width: int) -> None:
    row = architecture({**BASE, "conv_L_cache": 3, **more})
    assert row["intermediate_size"] == width


def test_listed_widths_are_of_single_layers() -> None:
    row = architecture({**BASE, "intermediate_size": [16, 32, 48, 64, 16, 16]})
    assert row["parameters_dense_mlp"] == 3 * 64 * (16 + 32 + 48 + 64 + 16 + 16)


def test_multipliers_are_rounded_to_the_divisor() -> None:
    """0.6 · 64 = 38.4 → 32, which is less than nine tenths of it, so 48; 1.0 · 64 = 64; 1.1 · 64 = 70.4 → 64."""
    config = {**BASE, "num_hidden_layers": 3, "ffn_dim_divisor": 16, "ffn_multipliers": [0.55, 1.0, 1.1]}
    assert architecture(config)["parameters_dense_mlp"] == 3 * 64 * (32 + 64 + 64)
    low = architecture({**config, "ffn_dim_divisor": 32, "ffn_multipliers": [0.7, 1.0, 1.0]})
    assert low["parameters_dense_mlp"] == 3 * 64 * (64 + 64 + 64)
    wrong = {**config, "ffn_multipliers": [0.5, "wide", 1.0], "intermediate_size": 32}
    assert architecture(wrong)["parameters_dense_mlp"] == 3 * EXPERT


def test_a_width_that_nothing_gives_is_asked_for() -> None:
    assert "intermediate_size" in refused(BASE).message


def test_a_width_by_family_is_marked_as_a_default() -> None:
    sources = json.loads(str(architecture({**BASE, "model_type": "gpt2"})["feature_sources"]))
    assert sources["intermediate_size"] == "model_type default"


@pytest.mark.parametrize("model_type", ["mamba", "mamba2", "falcon_mamba", "codestral_mamba", "mamba_ssm"])
def test_mamba_has_no_feed_forward_part(model_type: str) -> None:
    config = {"hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 256, "state_size": 16, "conv_kernel": 4, "n_groups": 1,
              "head_dim": 16, "num_heads": 8, "mamba_head_dim": 16, "tie_word_embeddings": False}  # fmt: skip
    row = architecture({**config, "model_type": model_type})
    assert (row["parameters_dense_mlp"], row["intermediate_size"]) == (0, 0)
