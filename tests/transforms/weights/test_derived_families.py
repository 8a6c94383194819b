"""Configs without headers against the published parameter counts of their models, family by family."""

from __future__ import annotations

import pytest
from extraction_cases import architecture, extracted

QWEN2_MOE = {"num_experts": 64, "num_experts_per_tok": 8, "decoder_sparse_step": 1}
JAMBA = {
    "mamba_d_state": 16,
    "mamba_d_conv": 4,
    "mamba_dt_rank": 256,
    "mamba_expand": 2,
    "num_experts": 16,
    "num_experts_per_tok": 2,
    "attn_layer_period": 8,
    "attn_layer_offset": 4,
    "expert_layer_period": 2,
    "expert_layer_offset": 1,
}
KIMI_LINEAR = {
    "moe_intermediate_size": 1024,
    "num_experts": 256,
    "num_experts_per_token": 8,
    "num_shared_experts": 1,
    "first_k_dense_replace": 1,
    "kv_lora_rank": 512,
    "q_lora_rank": None,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "model_max_length": 1048576,
    "linear_attn_config": {
        "full_attn_layers": [4, 8, 12, 16, 20, 24, 27],
        "head_dim": 128,
        "num_heads": 32,
        "short_conv_kernel_size": 4,
    },
}
LFM2_MOE = {
    "layer_types": ["full_attention" if layer in (2, 6, 10, 14, 18, 21) else "conv" for layer in range(24)],
    "conv_L_cache": 3,
    "moe_intermediate_size": 1792,
    "num_dense_layers": 2,
    "num_experts": 32,
    "num_experts_per_tok": 4,
    "use_expert_bias": True,
}
OPENELM = {
    "model_dim": 1280,
    "num_transformer_layers": 16,
    "head_dim": 64,
    "max_context_length": 2048,
    "share_input_output_layers": True,
    "ffn_dim_divisor": 256,
    "ffn_multipliers": [0.5, 0.73, 0.97, 1.2, 1.43, 1.67, 1.9, 2.13, 2.37, 2.6, 2.83, 3.07, 3.3, 3.53, 3.77, 4.0],
    "num_kv_heads": [3] * 5 + [4] * 7 + [5] * 4,
    "num_query_heads": [12] * 5 + [16] * 7 + [20] * 4,
}


def sizes(hidden: int, layers: int, heads: int, kv_heads: int, inner: int, vocabulary: int, **more: object) -> dict[str, object]:
    return {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "intermediate_size": inner,
        "vocab_size": vocabulary,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": False,
        **more,
    }


@pytest.mark.parametrize(
    ("model_type", "config", "published", "kv_bytes", "state_bytes"),
    [
        ("olmoe", sizes(2048, 16, 16, 16, 1024, 50304, num_experts=64, num_experts_per_tok=8), 6_919_161_856, 131_072, 0),
        ("stablelm", sizes(2048, 24, 32, 32, 5632, 100352, use_qkv_bias=True), 1_644_515_328, 196_608, 0),
        ("phi", sizes(2560, 32, 32, 32, 10240, 51200), 2_779_683_840, 327_680, 0),
        ("jamba", sizes(4096, 32, 32, 8, 14336, 65536, **JAMBA), 51_570_323_328, 16_384, 16_515_072),
        ("internlm3", sizes(4096, 48, 32, 2, 10240, 128512, head_dim=128), 8_804_241_408, 49_152, 0),
        ("seed_oss", sizes(5120, 64, 80, 8, 27648, 155136, head_dim=128, attention_bias=True), 36_151_104_512, 262_144, 0),
        ("apertus", sizes(4096, 32, 32, 8, 21504, 131072), 8_053_338_176, 131_072, 0),
        ("persimmon", sizes(4096, 36, 64, 64, 16384, 262144, qk_layernorm=True), 9_399_451_648, 589_824, 0),
        ("kimi_linear", sizes(2304, 27, 32, 32, 9216, 163840, **KIMI_LINEAR), 49_122_681_728, 8_064, 43_909_120),
        ("minicpm3", sizes(2560, 62, 40, 40, 6400, 73448, tie_word_embeddings=None), 4_073_889_280, 35_712, 0),
        ("lfm2_moe", sizes(2048, 24, 32, 8, 7168, 65536, tie_word_embeddings=True, **LFM2_MOE), 8_339_929_856, 12_288, 221_184),
        ("openelm", {**OPENELM, "vocab_size": 32000}, 271_527_168, 16_128, 0),
        (
            "qwen2_moe",
            sizes(3584, 28, 28, 4, 18944, 151936, moe_intermediate_size=2560, shared_expert_intermediate_size=20480, **QWEN2_MOE),
            57_409_011_712,
            57_344,
            0,
        ),
        (
            "mamba2",
            {"hidden_size": 4096, "num_hidden_layers": 64, "vocab_size": 32768, "state_size": 128, "conv_kernel": 4, "expand": 2,
             "head_dim": 64, "num_heads": 128, "n_groups": 8, "tie_word_embeddings": False},
            7_285_403_648,
            0,
            273_678_336,
        ),
        (
            "minimax_text_01",
            sizes(6144, 80, 64, 8, 9216, 200064, head_dim=128, num_local_experts=32, num_experts_per_tok=2,
                  attn_type_list=([0] * 7 + [1]) * 10),
            456_089_655_296,
            40_960,
            293_601_280,
        ),
        (
            "recurrent_gemma",
            {"hidden_size": 2560, "num_hidden_layers": 26, "num_attention_heads": 10, "num_key_value_heads": 1, "head_dim": 256,
             "intermediate_size": 15360, "lru_width": 2560, "conv1d_width": 4, "attention_window_size": 2048,
             "vocab_size": 256000,
             "block_types": ["recurrent", "recurrent", "attention"]},
            2_682_862_080,
            8_192,
            552_960,
        ),
        ("gpt_neo", {"hidden_size": 2048, "num_layers": 24, "num_heads": 16, "vocab_size": 50257, "max_position_embeddings": 2048,
                     "window_size": 256, "attention_types": [[["global", "local"], 12]]}, 1_315_575_808, 196_608, 0),
        ("opt", {"hidden_size": 2048, "num_hidden_layers": 24, "ffn_dim": 8192, "num_attention_heads": 32, "vocab_size": 50272,
                 "max_position_embeddings": 2048}, 1_315_758_080, 196_608, 0),
        ("bloom", {"n_embed": 4096, "n_layer": 30, "num_attention_heads": 32, "vocab_size": 250880}, 7_069_016_064, 491_520, 0),
    ],
)  # fmt: skip
def test_published_counts(model_type: str, config: dict[str, object], published: int, kv_bytes: int, state_bytes: int) -> None:
    row = architecture({**config, "model_type": model_type, "torch_dtype": "bfloat16"})
    assert row["parameters_total"] == pytest.approx(published, rel=0.0005)
    assert (row["kv_bytes_per_token"], row["state_bytes_per_sequence"]) == (kv_bytes, state_bytes)
    assert row["sizes_source"] == "derived"


def test_searched_architectures_have_blocks_of_their_own() -> None:
    blocks = [
        {"attention": {"n_heads_in_group": 8, "no_op": False}, "ffn": {"ffn_mult": 2.625, "no_op": False}},
        {"attention": {"no_op": True}, "ffn": {"ffn_mult": 2.6}},
        {"attention": {"n_heads_in_group": 16, "window_length": 1024}, "ffn": {"no_op": True}},
    ]
    config = sizes(8192, 3, 64, 8, 28672, 128256, block_configs=blocks)
    row = architecture({**config, "model_type": "nemotron-nas"})
    assert (row["attention_layers"], row["layers"]) == (2, 3)
    assert row["kv_bytes_per_token"] == (8 + 4) * 128 * 2 * 2
    assert row["kv_bytes_per_token_unbounded"] == 8 * 128 * 2 * 2
    assert row["parameters_dense_mlp"] == 3 * 8192 * (14336 + 14336)  # 2 · 2.6 · 8192 / 3 = 14,199, to a multiple of 256


def test_layers_may_have_query_heads_of_their_own_and_a_gate_a_head() -> None:
    config = sizes(64, 4, 4, 2, 128, 256, head_dim=16, sliding_window=8, num_attention_heads_per_layer=[4, 6, 6, 6],
                   layer_types=["full_attention", *["sliding_attention"] * 3])  # fmt: skip
    plain = extracted({**config, "model_type": "laguna"})
    assert plain.architecture["parameters_attention"] == 64 * 16 * (2 * (4 + 3 * 6) + 4 * 4)
    assert [group["attention_heads"] for group in plain.layer_groups] == [4, 6]
    gated = architecture({**config, "model_type": "laguna", "gating": "per-head"})
    assert gated["parameters_attention"] == plain.architecture["parameters_attention"] + 64 * (4 + 3 * 6)


def test_layers_that_share_another_layers_cache_hold_none() -> None:
    config = sizes(64, 4, 4, 1, 128, 256, head_dim=16, num_kv_shared_layers=2, sliding_window=8, use_double_wide_mlp=True,
                   layer_types=["sliding_attention", "full_attention"] * 2)  # fmt: skip
    row = architecture({**config, "model_type": "gemma4_text"})
    assert row["kv_bytes_per_token"] == 2 * 16 * 2 + 2 * 512 * 2
    assert row["attention_layers"] == 2


def test_an_unheard_of_type_is_read_by_the_general_rules_and_marked() -> None:
    row = architecture({**sizes(64, 2, 8, 2, 128, 256), "model_type": "never_seen"})
    assert '"family": "inferred"' in row["feature_sources"]
    assert row["kv_bytes_per_token"] == 2 * 2 * 2 * 8 * 2
