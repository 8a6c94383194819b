"""Each kind of layer at the sizes of a model that has it: bytes of a token, state of a sequence and operations, worked by hand.

Sizes are those that the models' own documentation states; a row of `layer_groups` is written as
(kind, layers, bytes a token and layer, window, state a layer, operations in decoding, in prefill, divided by tensor parallelism).
"""

from __future__ import annotations

import pytest
from extraction_cases import DEEPSEEK_V3, architecture, extracted

Group = tuple[object, ...]
COLUMNS = (
    "kind",
    "layers",
    "kv_bytes_per_token_per_layer",
    "window_tokens",
    "state_bytes_per_sequence_per_layer",
    "decode_flops_per_context_token_per_layer",
    "prefill_flops_per_context_token_per_layer",
    "shards_with_tp",
)
SIZES = {"hidden_size": 64, "vocab_size": 256, "intermediate_size": 128, "max_position_embeddings": 4096}

DEEPSEEK_V4_FLASH = {
    "model_type": "deepseek_v4",
    "hidden_size": 4096,
    "num_hidden_layers": 43,
    "num_attention_heads": 64,
    "num_key_value_heads": 1,
    "head_dim": 512,
    "q_lora_rank": 1024,
    "o_lora_rank": 1024,
    "o_groups": 8,
    "qk_rope_head_dim": 64,
    "index_head_dim": 128,
    "index_n_heads": 64,
    "index_topk": 512,
    "hc_mult": 4,
    "sliding_window": 128,
    "compress_ratios": [0, 0, *[4, 128] * 20, 4, 0],
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 6,
    "vocab_size": 129280,
    "max_position_embeddings": 1048576,
}
GLM_5 = {
    **DEEPSEEK_V3,
    "model_type": "glm_moe_dsa",
    "hidden_size": 6144,
    "num_hidden_layers": 78,
    "num_attention_heads": 64,
    "q_lora_rank": 2048,
    "qk_nope_head_dim": 192,
    "v_head_dim": 256,
    "index_head_dim": 128,
    "index_n_heads": 32,
    "index_topk": 2048,
    "head_dim": 64,
}
QWEN3_NEXT = {
    "model_type": "qwen3_next",
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "head_dim": 256,
    "full_attention_interval": 4,
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "intermediate_size": 5120,
    "vocab_size": 151936,
    "max_position_embeddings": 262144,
}
FALCON_H1 = {
    "model_type": "falcon_h1",
    "hidden_size": 1024,
    "num_hidden_layers": 36,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "mamba_d_ssm": 1536,
    "mamba_n_heads": 24,
    "mamba_d_head": 64,
    "mamba_d_state": 128,
    "mamba_n_groups": 1,
    "mamba_d_conv": 4,
    "intermediate_size": 2048,
    "vocab_size": 32784,
    "max_position_embeddings": 16384,
}


def groups(config: dict[str, object]) -> list[Group]:
    return [tuple(group[column] for column in COLUMNS) for group in extracted(config).layer_groups]


def cache(config: dict[str, object]) -> tuple[object, ...]:
    """Bytes of a token, those without a window, state of a sequence, layers that cache."""
    row = architecture(config)
    return tuple(
        row[column]
        for column in ("kv_bytes_per_token", "kv_bytes_per_token_unbounded", "state_bytes_per_sequence", "attention_layers")
    )


def test_deepseek_v4_keeps_a_window_everywhere_and_one_vector_for_4_or_128_tokens() -> None:
    """Vectors of 512 values: 1,024 bytes in the window, 256 and 8 of the compressed; index (128 + 4 bytes) / 4 = 33.

    64 heads score and sum 512 values: 4 · 64 · 512 = 131,072 operations, a quarter and a 128th of them over compressed vectors;
    64 heads of the index score 128 values: 2 · 64 · 128 / 4 = 4,096.
    """
    assert groups(DEEPSEEK_V4_FLASH) == [
        ("sliding", 43, 1024, 128, 0, 131_072, 131_072, False),
        ("latent", 21, 256, None, 0, 32_768, 32_768, False),
        ("latent", 20, 8, None, 0, 1024, 1024, False),
        ("sparse_index", 21, 33, None, 0, 4096, 4096, False),
    ]
    assert cache(DEEPSEEK_V4_FLASH) == (43 * 1024 + 21 * 256 + 20 * 8, 21 * 256 + 20 * 8, 0, 43)


def test_deepseek_v4_orders_its_groups_by_ratio_whichever_comes_first() -> None:
    config = {**DEEPSEEK_V4_FLASH, "num_hidden_layers": 4, "compress_ratios": [128, 128, 4, 128, 4]}
    assert [(kind, layers, size) for kind, layers, size, *_ in groups(config)] == [
        ("sliding", 4, 1024),
        ("latent", 1, 256),
        ("latent", 3, 8),
        ("sparse_index", 1, 33),
    ]


def test_deepseek_v4_without_index_or_ratios_keeps_less() -> None:
    assert [kind for kind, *_ in groups({**DEEPSEEK_V4_FLASH, "compress_ratios": None})] == ["sliding"]
    stored = [("model.embed_tokens.weight", "BF16", (129280, 4096))]
    without = {key: value for key, value in DEEPSEEK_V4_FLASH.items() if not key.startswith("index_")}
    assert [group["kind"] for group in extracted(without, stored).layer_groups] == ["sliding", "latent", "latent"]


def test_deepseek_v4_has_one_shape_of_attention() -> None:
    row = architecture(DEEPSEEK_V4_FLASH)
    assert (row["attention_type"], row["attention_heads"], row["kv_heads"], row["head_dim"]) == ("MQA", 64, 1, 512)
    assert (row["mla_layers"], row["linear_layers"], row["layers"]) == (0, 0, 43)
    assert row["parameters_total"] == pytest.approx(284e9, rel=0.005)  # its card: 284B, 13B active
    assert row["parameters_active"] == pytest.approx(13e9, rel=0.1)


def test_deepseek_v32_keeps_an_index_of_132_bytes_beside_the_latent() -> None:
    """61 · (512 + 64) · 2 = 70,272 bytes a token and 61 · 132 = 8,052 of index, as DeepSeek's own figures have it."""
    config = {**DEEPSEEK_V3, "model_type": "deepseek_v32", "index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048}
    assert groups(config) == [
        ("latent", 61, 1152, None, 0, 2 * 128 * (2 * 512 + 64), 2 * 128 * (192 + 128), False),
        ("sparse_index", 61, 132, None, 0, 2 * 64 * 128, 2 * 64 * 128, False),
    ]
    assert cache(config) == (70_272, 70_272, 0, 61)
    assert architecture(config)["mla_layers"] == 61
    index = 64 * 128 * 1536 + 128 * 7168 + 64 * 7168 + 2 * 128
    plain, sparse = architecture(DEEPSEEK_V3), architecture(config)
    assert sparse["parameters_text"] - plain["parameters_text"] == 61 * index
    assert sparse["parameters_attention_replicated"] - plain["parameters_attention_replicated"] == 61 * (index - 2 * 128)


def test_glm_5_has_half_the_heads_and_wider_ones() -> None:
    assert groups(GLM_5) == [
        ("latent", 78, 1152, None, 0, 2 * 64 * (2 * 512 + 64), 2 * 64 * (256 + 256), False),
        ("sparse_index", 78, 132, None, 0, 2 * 32 * 128, 2 * 32 * 128, False),
    ]
    row = architecture(GLM_5)
    assert (row["attention_heads"], row["kv_heads"], row["head_dim"], row["value_head_dim"]) == (64, 1, 256, 256)
    assert row["rotary_values"] == 163840 * 64


def test_glm_52_shares_an_index_between_layers() -> None:
    types = ["full", "shared", "shared", "full", "shared"]
    config = {**GLM_5, "num_hidden_layers": 5, "first_k_dense_replace": 1, "indexer_types": types}
    assert [(kind, layers) for kind, layers, *_ in groups(config)] == [("latent", 5), ("sparse_index", 2)]
    own = architecture({**config, "indexer_types": None})["parameters_text"]
    assert own - architecture(config)["parameters_text"] == 3 * (32 * 128 * 2048 + 128 * 6144 + 32 * 6144 + 2 * 128)


def test_latent_attention_can_have_a_window_and_can_be_switched_off() -> None:
    config = {**DEEPSEEK_V3, "num_hidden_layers": 4, "sliding_window": 1024, "first_k_dense_replace": 1}
    words = {"layer_types": ["sliding_attention", "full_attention"] * 2}
    assert [(kind, layers, window) for kind, layers, _, window, *_ in groups({**config, **words})] == [
        ("latent", 2, 1024),
        ("latent", 2, None),
    ]
    assert [group[:3] for group in groups({**config, "use_mla": False, "v_head_dim": 56})] == [("full", 4, 128 * (56 + 56) * 2)]


LLAMA_4 = {
    "model_type": "llama4_text",
    "hidden_size": 5120,
    "num_hidden_layers": 48,
    "num_attention_heads": 40,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "attention_chunk_size": 8192,
    "intermediate_size": 8192,
    "intermediate_size_mlp": 16384,
    "num_local_experts": 16,
    "num_experts_per_tok": 1,
    "vocab_size": 202048,
    "max_position_embeddings": 10485760,
}


@pytest.mark.parametrize(
    ("more", "chunked"),
    [
        ({"no_rope_layers": [1, 1, 1, 0] * 12}, 36),
        ({"no_rope_layers": [0, *[1] * 47]}, 47),  # not one in four: it is the list that counts
        ({}, 36),
        ({"no_rope_layer_interval": 3}, 32),
        ({"no_rope_layers": []}, 36),
        ({"layer_types": ["chunked_attention"] * 40 + ["full_attention"] * 8}, 40),
    ],
)
def test_llama_4_attends_in_chunks_but_for_layers_without_rotary_embedding(more: dict[str, object], chunked: int) -> None:
    """8 KV heads of 128: 8 · 256 · 2 = 4,096 bytes; 40 heads: 2 · 40 · 256 = 20,480 operations."""
    config = {**LLAMA_4, **more}
    assert sorted(groups(config)) == [
        ("chunked", chunked, 4096, 8192, 0, 20_480, 20_480, True),
        ("full", 48 - chunked, 4096, None, 0, 20_480, 20_480, True),
    ]
    assert cache(config) == (48 * 4096, (48 - chunked) * 4096, 0, 48)


def test_llama_4_without_chunks_is_full() -> None:
    assert [group[:2] for group in groups({**LLAMA_4, "attention_chunk_size": 0})] == [("full", 48)]


def test_gemma_3_has_a_full_layer_in_six() -> None:
    """gemma-3-4b: 4 KV heads of 256, 4,096 bytes a layer; layers 6, 12, 18, 24 and 30 are full, 29 see 1,024 tokens."""
    config = {**SIZES, "model_type": "gemma3_text", "num_hidden_layers": 34, "num_attention_heads": 8, "num_key_value_heads": 4,
              "head_dim": 256, "sliding_window": 1024}  # fmt: skip
    assert groups(config) == [
        ("sliding", 29, 4096, 1024, 0, 8192, 8192, True),
        ("full", 5, 4096, None, 0, 8192, 8192, True),
    ]
    assert cache(config) == (34 * 4096, 5 * 4096, 0, 34)


def test_mimo_v2_flash_gives_windowed_layers_heads_of_their_own() -> None:
    """Keys of 192 and values of 128: 4 · 320 · 2 = 2,560 bytes in 9 full layers, 8 · 320 · 2 = 5,120 in 39 windowed ones."""
    config = {**SIZES, "model_type": "mimo_v2_flash", "num_hidden_layers": 48, "num_attention_heads": 64,
              "num_key_value_heads": 4, "head_dim": 192, "v_head_dim": 128, "swa_num_attention_heads": 64,
              "swa_num_key_value_heads": 8, "swa_head_dim": 192, "swa_v_head_dim": 128, "sliding_window": 128,
              "hidden_size": 4096, "hybrid_layer_pattern": [0, 1, 1, 1, 1, 0, *[1, 1, 1, 1, 1, 0] * 7]}  # fmt: skip
    assert groups(config) == [
        ("full", 9, 2560, None, 0, 40_960, 40_960, True),
        ("sliding", 39, 5120, 128, 0, 40_960, 40_960, True),
    ]
    assert cache(config) == (9 * 2560 + 39 * 5120, 9 * 2560, 0, 48)
    assert groups({**config, "swa_v_head_dim": 64})[1][2] == 8 * (192 + 64) * 2
    swa = {"swa_num_attention_heads": 32, "swa_head_dim": 64, "swa_v_head_dim": None}
    assert groups({**config, **swa})[1] == ("sliding", 39, 8 * 128 * 2, 128, 0, 2 * 32 * 128, 2 * 32 * 128, True)


def test_step_35_states_the_heads_of_its_windowed_layers_apart() -> None:
    config = {**SIZES, "model_type": "step3p5", "num_hidden_layers": 4, "num_attention_heads": 8, "num_attention_groups": 2,
              "head_dim": 16, "sliding_window": 512, "layer_types": ["full_attention", *["sliding_attention"] * 3],
              "attention_other_setting": {"num_attention_heads": 12, "num_attention_groups": 4, "head_dim": 8}}  # fmt: skip
    assert groups(config) == [
        ("full", 1, 2 * 32 * 2, None, 0, 2 * 8 * 32, 2 * 8 * 32, True),
        ("sliding", 3, 4 * 16 * 2, 512, 0, 2 * 12 * 16, 2 * 12 * 16, True),
    ]


def test_gemma_4_gives_full_layers_wider_heads_whose_keys_are_the_values() -> None:
    config = {**SIZES, "model_type": "gemma4_text", "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 2,
              "head_dim": 16, "global_head_dim": 32, "num_global_key_value_heads": 1, "sliding_window": 8,
              "layer_types": [*["sliding_attention"] * 5, "full_attention"]}  # fmt: skip
    assert groups(config) == [
        ("sliding", 5, 2 * 32 * 2, 8, 0, 2 * 4 * 32, 2 * 4 * 32, True),
        ("full", 1, 1 * 64 * 2, None, 0, 2 * 4 * 64, 2 * 4 * 64, True),
    ]
    values = (
        architecture(config)["parameters_attention"] - architecture({**config, "attention_k_eq_v": True})["parameters_attention"]
    )
    assert values == 32 * 64  # one projection of one head in the one full layer


def test_qwen3_next_keeps_a_matrix_a_value_head_in_three_layers_of_four() -> None:
    """Channels 2 · 16 · 128 + 32 · 128 = 8,192: 8,192 · 4 · 2 = 65,536 bytes; 32 · 128 · 128 · 4 = 2,097,152.

    12 full layers: 2 · 512 · 2 = 2,048 bytes, 2 · 16 · 512 = 16,384 operations.
    """
    assert groups(QWEN3_NEXT) == [
        ("gated_delta", 36, 0, None, 2_162_688, 0, 0, True),
        ("full", 12, 2048, None, 0, 16_384, 16_384, True),
    ]
    assert cache(QWEN3_NEXT) == (24_576, 24_576, 77_856_768, 12)
    row = architecture(QWEN3_NEXT)
    assert row["linear_layers"] == 36
    inputs = (8192 + 4096) * 2048 + 64 * 2048
    assert row["parameters_linear_attention"] == 36 * (inputs + 8192 * 4 + 32 + 32 + 128 + 2048 * 4096)


def test_qwen35_stores_four_input_projections_of_the_same_size() -> None:
    for_quantizing = architecture({**QWEN3_NEXT, "model_type": "qwen3_5_text"})
    assert for_quantizing["parameters_linear_attention"] == architecture(QWEN3_NEXT)["parameters_linear_attention"]


def test_falcon_h1_has_both_parts_in_every_layer() -> None:
    """Falcon-H1-0.5B: channels 1,536 + 2 · 128 = 1,792; 1,792 · 4 · 2 + 1,536 · 128 · 4 = 800,768 bytes of state."""
    assert groups(FALCON_H1) == [("full", 36, 2 * 128 * 2, None, 800_768, 2 * 8 * 128, 2 * 8 * 128, True)]
    assert cache(FALCON_H1) == (36 * 512, 36 * 512, 36 * 800_768, 36)
    row = architecture(FALCON_H1)
    assert (row["linear_layers"], row["attention_layers"], row["attention_type"]) == (36, 36, "GQA")
    assert row["parameters_attention"] == 36 * 1024 * 64 * (8 + 2 + 2 + 8)
    block = (1536 + 1792 + 24) * 1024 + 1792 * 4 + 1792 + 3 * 24 + 1024 * 1536
    assert row["parameters_linear_attention"] + row["parameters_norms"] == 36 * (block + 1536 + 2 * 1024) + 1024


def test_zamba_joins_one_attention_block_to_some_layers() -> None:
    config = {**SIZES, "model_type": "zamba", "num_hidden_layers": 6, "num_attention_heads": 4, "head_dim": 32,
              "mamba_d_state": 16, "mamba_d_conv": 4, "mamba_expand": 2, "hybrid_layer_ids": [1, 4]}  # fmt: skip
    state = 128 * 4 * 2 + 128 * 16 * 4
    assert groups(config) == [
        ("mamba1", 4, 0, None, state, 0, 0, True),
        ("full", 2, 4 * 64 * 2, None, state, 2 * 4 * 64, 2 * 4 * 64, True),
    ]
    row = architecture(config)
    assert row["parameters_attention"] == 3 * 128 * 128 + 64 * 128
    assert row["parameters_dense_mlp"] == 3 * 128 * 64


def test_falcon_mamba_keeps_sixteen_states_a_channel() -> None:
    """falcon-mamba-7b: inner width 8,192; 8,192 · 4 · 2 + 8,192 · 16 · 4 = 589,824 bytes in each of 64 layers."""
    config = {"model_type": "falcon_mamba", "hidden_size": 4096, "intermediate_size": 8192, "num_hidden_layers": 64,
              "state_size": 16, "conv_kernel": 4, "time_step_rank": 256, "vocab_size": 65024}  # fmt: skip
    assert groups(config) == [("mamba1", 64, 0, None, 589_824, 0, 0, True)]
    assert cache(config) == (0, 0, 37_748_736, 0)
    row = architecture({**config, "tie_word_embeddings": False})
    assert row["parameters_total"] == 7_272_665_088  # as counted in its safetensors
    assert (row["attention_type"], row["kv_heads"], row["max_position_embeddings"]) == ("none", None, 2**20)


def test_mamba_without_a_stated_width_is_twice_as_wide_as_the_model() -> None:
    config = {"model_type": "mamba", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 256, "state_size": 8}
    assert groups(config) == [("mamba1", 2, 0, None, 128 * 4 * 2 + 128 * 8 * 4, 0, 0, True)]
    rank = 4  # a sixteenth of the width
    block = 256 * 64 + 128 * 4 + 128 + (rank + 16) * 128 + 128 * rank + 128 + 128 * 8 + 128 + 64 * 128
    assert architecture(config)["parameters_linear_attention"] == 2 * block


def test_bamba_lists_its_attention_layers() -> None:
    config = {**SIZES, "model_type": "bamba", "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 2,
              "head_dim": 16, "attn_layer_indices": [2, 5], "mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 32,
              "mamba_n_groups": 1, "mamba_d_conv": 4, "mamba_expand": 2}  # fmt: skip
    assert groups(config) == [
        ("mamba2", 4, 0, None, (128 + 64) * 4 * 2 + 128 * 32 * 4, 0, 0, True),
        ("full", 2, 2 * 32 * 2, None, 0, 2 * 4 * 32, 2 * 4 * 32, True),
    ]


def test_mamba_2_needs_heads_or_their_width() -> None:
    config = {**SIZES, "model_type": "bamba", "num_hidden_layers": 2, "mamba_headdim": 32, "layer_types": ["mamba"] * 2}
    assert groups({**config, "mamba_d_state": 16})[0][4] == (128 + 32) * 4 * 2 + 128 * 16 * 4
    row = architecture({**config, "mamba_d_state": 16})
    heads = 128 // 32
    assert row["parameters_linear_attention"] == 2 * (
        (128 + 160 + heads) * 64 + 160 * 4 + 160 + 3 * heads + 64 * 128 + 128
    )  # the last is the block's own norm


def test_nemotron_h_names_the_one_part_of_each_layer() -> None:
    """Inner width 4 heads · 16 = 64 whatever `expand` says; state (64 + 2 · 2 · 32) · 4 · 2 + 64 · 32 · 4 = 9,728."""
    config = {**SIZES, "model_type": "nemotron_h", "layers_block_type": ["mamba", "moe", "attention", "mlp", "mamba"],
              "num_hidden_layers": 5, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "mamba_num_heads": 4,
              "mamba_head_dim": 16, "n_groups": 2, "ssm_state_size": 32, "conv_kernel": 4, "n_routed_experts": 4,
              "num_experts_per_tok": 2, "moe_intermediate_size": 32, "moe_shared_expert_intermediate_size": 48,
              "n_shared_experts": 2}  # fmt: skip
    assert groups(config) == [
        ("mamba2", 2, 0, None, 9728, 0, 0, True),
        ("none", 2, 0, None, 0, 0, 0, True),
        ("full", 1, 2 * 32 * 2, None, 0, 2 * 4 * 32, 2 * 4 * 32, True),
    ]
    row = architecture(config)
    assert (row["moe_layers"], row["parameters_dense_mlp"]) == (1, 2 * 64 * 128)
    assert row["parameters_routed_experts"] == 4 * 2 * 64 * 32
    assert row["parameters_shared_experts"] == 2 * 64 * (2 * 48)  # the stated width is that of one of two
    assert row["parameters_norms"] == 64 * (5 + 1)  # one a layer; the norm within a block belongs to it


def test_rwkv_keeps_a_square_a_head_and_two_tokens() -> None:
    """Finch 7B: 2 · 4,096 · 2 + 4,096 · 64 · 4 = 1,064,960 bytes in each of 32 layers."""
    config = {"model_type": "rwkv6", "hidden_size": 4096, "num_hidden_layers": 32, "head_size": 64, "intermediate_size": 14336,
              "vocab_size": 65536}  # fmt: skip
    assert groups(config) == [("linear", 32, 0, None, 1_064_960, 0, 0, True)]
    assert cache(config) == (0, 0, 34_078_720, 0)
    row = architecture(config)
    assert row["parameters_linear_attention"] == 32 * 5 * 4096 * 4096
    narrow = {key: value for key, value in config.items() if key != "head_size"}
    assert groups({**narrow, "head_dim": 32})[0][4] == 2 * 4096 * 2 + 4096 * 32 * 4
    assert groups(narrow) == groups(config)  # 64 where the config does not say


def test_ling_has_one_softmax_layer_in_each_group_and_a_remainder() -> None:
    config = {**SIZES, "model_type": "bailing_hybrid", "num_hidden_layers": 10, "num_attention_heads": 4,
              "num_key_value_heads": 2, "head_dim": 16, "layer_group_size": 4}  # fmt: skip
    assert groups(config) == [
        ("linear", 6, 0, None, 4 * 16 * 16 * 4, 0, 0, True),
        ("full", 4, 2 * 32 * 2, None, 0, 2 * 4 * 32, 2 * 4 * 32, True),
    ]
    block = 3 * 64 * 64 + 64 * 64 + 64 + 64 * 64
    assert architecture(config)["parameters_linear_attention"] == 6 * block
    listed = {**config, "layer_group_size": None, "full_attention_layers": [0, 9]}
    assert [group[:2] for group in groups(listed)] == [("full", 2), ("linear", 8)]


def test_lfm2_keeps_three_tokens_a_channel() -> None:
    config = {**SIZES, "model_type": "lfm2", "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
              "full_attn_idxs": [2], "conv_L_cache": 3, "block_multiple_of": 32, "intermediate_size": 192}  # fmt: skip
    assert groups(config) == [
        ("short_convolution", 3, 0, None, 64 * 3 * 2, 0, 0, True),
        ("full", 1, 2 * 32 * 2, None, 0, 2 * 4 * 32, 2 * 4 * 32, True),
    ]
    row = architecture(config)
    assert row["parameters_linear_attention"] == 3 * (3 * 64 * 64 + 64 * 3 + 64 * 64)
    assert row["parameters_dense_mlp"] == 4 * 3 * 64 * 128  # two thirds of 192, a multiple of 32


def test_kimi_delta_attention_needs_its_three_sizes() -> None:
    config = {**SIZES, "model_type": "kimi_linear", "num_hidden_layers": 4, "num_attention_heads": 4, "head_dim": 16,
              "kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16,
              "linear_attn_config": {"full_attn_layers": [4], "num_heads": 2, "head_dim": 8,
                                     "short_conv_kernel_size": 4}}  # fmt: skip
    assert groups(config) == [
        ("gated_delta", 3, 0, None, 3 * 16 * 4 * 2 + 2 * 8 * 8 * 4, 0, 0, True),
        ("latent", 1, 40 * 2, None, 0, 2 * 4 * (64 + 8), 2 * 4 * (24 + 16), False),
    ]
    block = 4 * 16 * 64 + 48 * 4 + 2 + 16 + 2 * (8 * 64 + 16 * 8) + 2 * 64 + 8
    row = architecture(config)
    assert row["parameters_linear_attention"] + row["parameters_norms"] == 3 * block + 64 * 9 + 32


def test_recurrent_gemma_has_a_window_in_every_attention_layer() -> None:
    config = {**SIZES, "model_type": "recurrent_gemma", "num_hidden_layers": 6, "num_attention_heads": 2,
              "num_key_value_heads": 1, "head_dim": 32, "lru_width": 64, "conv1d_width": 4, "attention_window_size": 16,
              "block_types": ["recurrent", "recurrent", "attention"]}  # fmt: skip
    assert groups(config) == [
        ("linear", 4, 0, None, 64 * 4 * 2 + 64 * 4, 0, 0, True),
        ("sliding", 2, 64 * 2, 2048, 0, 2 * 2 * 64, 2 * 2 * 64, True),
    ]
    block = 3 * 64 * 64 + 64 * 4 + 2 * 2 * 32 * 32 + 64
    assert architecture(config)["parameters_linear_attention"] == 4 * block


def test_layers_that_attend_to_an_image_cache_nothing_of_the_text() -> None:
    config = {**SIZES, "model_type": "mllama_text_model", "num_hidden_layers": 4, "num_attention_heads": 4,
              "num_key_value_heads": 2, "cross_attention_layers": [1, 3]}  # fmt: skip
    assert groups(config) == [
        ("full", 2, 2 * 32 * 2, None, 0, 2 * 4 * 32, 2 * 4 * 32, True),
        ("none", 2, 0, None, 0, 0, 0, True),
    ]
    assert architecture(config)["parameters_attention"] == 4 * 64 * 16 * (4 + 2 + 2 + 4)


def test_hunyuan_shares_a_cache_between_two_layers() -> None:
    config = {**SIZES, "model_type": "hunyuan", "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
              "head_dim": 16, "use_cla": True, "cla_share_factor": 2}  # fmt: skip
    assert groups(config) == [
        ("full", 2, 2 * 32 * 2, None, 0, 2 * 4 * 32, 2 * 4 * 32, True),
        ("shared", 2, 0, None, 0, 2 * 4 * 32, 2 * 4 * 32, True),
    ]
    assert [group[:2] for group in groups({**config, "use_cla": False})] == [("full", 4)]
    row = architecture(config)
    assert row["attention_layers"] == 2
    assert row["parameters_kv_projection"] == 2 * 2 * 2 * 16 * 64


def test_gemma_3n_stores_keys_in_layers_that_share_a_cache() -> None:
    config = {**SIZES, "model_type": "gemma3n_text", "num_hidden_layers": 5, "num_attention_heads": 4, "num_key_value_heads": 2,
              "head_dim": 16, "sliding_window": 8, "num_kv_shared_layers": 2, "hidden_size_per_layer_input": 4,
              "vocab_size_per_layer_input": 100, "altup_num_inputs": 3, "laurel_rank": 2}  # fmt: skip
    assert [group[:3] for group in groups(config)] == [("sliding", 3, 128), ("shared", 1, 0), ("shared", 1, 0)]
    row = architecture(config)
    assert row["parameters_kv_projection"] == 5 * 2 * 2 * 16 * 64
    per_layer = 2 * 5 * 4 * 64 + 5 * 64 * 4
    streams = 2 * 2 * 64 * 64 + 5 * 3 * (64 + 9 + 3) + 2 * 5 * 2 * 64
    assert row["parameters_other"] == per_layer + streams
    assert row["parameters_embedding"] == 256 * 64 + 100 * 5 * 4


def test_longcat_has_two_attentions_and_dense_parts_around_the_experts_of_a_layer() -> None:
    config = {**DEEPSEEK_V3, "model_type": "longcat_flash", "num_hidden_layers": 2, "first_k_dense_replace": 0,
              "intermediate_size": 128, "n_shared_experts": 0, "n_routed_experts": 4, "num_experts_per_tok": 2}  # fmt: skip
    assert [group[:3] for group in groups(config)] == [("latent", 4, 1152)]
    row = architecture(config)
    assert (row["layers"], row["moe_layers"]) == (4, 2)
    assert row["parameters_dense_mlp"] == 4 * 3 * 128 * 7168
    assert row["parameters_routed_experts"] == 2 * 4 * 3 * 2048 * 7168


@pytest.mark.parametrize(
    ("more", "sliding"),
    [
        ({"model_type": "gpt_oss"}, 3),  # even layers
        ({"model_type": "gemma2", "sliding_window": 4096}, 3),  # even where the window spans the context
        ({"model_type": "mistral"}, 6),  # all
        ({"model_type": "mistral", "sliding_window": 4096}, 0),
        ({"model_type": "mistral", "sliding_window": None}, 0),
        ({"model_type": "exaone4", "sliding_window_pattern": "LLLG"}, 5),
        ({"model_type": "olmo3"}, 5),  # every fourth is full
        ({"model_type": "qwen2", "use_sliding_window": True, "max_window_layers": 4}, 2),
        ({"model_type": "qwen2", "use_sliding_window": False, "max_window_layers": 4}, 0),
        ({"model_type": "qwen2"}, 0),
        ({"model_type": "llama", "global_attn_every_n_layers": 3}, 4),
        ({"model_type": "llama", "_sliding_window_pattern": [1, 1, 0, 0, 0, 1]}, 3),
        ({"model_type": "nemotron_h", "hybrid_override_pattern": "SSL*|*E"}, 3),
        ({"model_type": "llama"}, 0),
    ],
)
def test_windows_by_pattern_or_family(more: dict[str, object], sliding: int) -> None:
    config = {**SIZES, "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 2, "sliding_window": 128,
              "num_experts_per_tok": 1, "num_local_experts": 2, "max_window_layers": 6, **more}  # fmt: skip
    found = extracted(config).layer_groups
    assert sum(group["layers"] for group in found if group["kind"] == "sliding") == sliding
