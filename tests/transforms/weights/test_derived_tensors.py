"""Tensors that a config describes, counted by hand at small sizes: biases, norms, experts, and parts of single families."""

from __future__ import annotations

import json

import pytest
from extraction_cases import LLAMA, architecture, extracted, refused

from transforms.config.config_fields import Fields
from transforms.config.families import biased_parts, family_of
from transforms.config.family import Family

EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
EXPERT = 3 * 64 * 32


def difference(column: str, more: dict[str, object], base: dict[str, object] = LLAMA) -> int:
    """How many parameters more a part of the model has with these keys."""
    return int(str(architecture({**base, **more})[column])) - int(str(architecture(base)[column]))


@pytest.mark.parametrize(
    ("more", "attention", "dense", "norms"),
    [
        ({"attention_bias": True}, 2 * (64 + 16 + 16 + 64), 0, 0),
        ({"qkv_bias": True}, 2 * (64 + 16 + 16), 0, 0),
        ({"mlp_bias": True}, 0, 2 * (128 + 64 + 128), 0),
        ({"use_bias": True}, 2 * (64 + 16 + 16 + 64), 2 * (128 + 64 + 128), 0),
        ({"use_qk_norm": True}, 0, 0, 2 * (8 + 8)),
        ({"qk_layernorm": True}, 0, 0, 2 * (8 + 8)),
        ({"attn_output_gate": True}, 2 * 64 * 64, 0, 0),
        ({"use_head_wise_attn_gate": True}, 2 * 8 * 64, 0, 0),
        ({"sinks": True}, 2 * 8, 0, 0),
        ({"v_head_dim": 4}, -2 * 4 * (2 + 8) * 64, 0, 0),
    ],
)
def test_parts_that_keys_add(more: dict[str, object], attention: int, dense: int, norms: int) -> None:
    changed = [difference(f"parameters_{part}", more) for part in ("attention", "dense_mlp", "norms")]
    assert changed == [attention, dense, norms]


@pytest.mark.parametrize(
    ("model_type", "norms"),
    [
        ("llama", 5 * 64),
        ("olmo", 0),
        ("gemma2", (2 * 4 + 1) * 64),
        ("starcoder2", 5 * 128),
        ("mpt", 5 * 64),
        ("olmo2", 5 * 64 + 2 * (64 + 16)),
        ("qwen3", 5 * 64 + 2 * (8 + 8)),
        ("cohere", 3 * 64),
    ],
)
def test_norms_by_family(model_type: str, norms: int) -> None:
    assert architecture({**LLAMA, "head_dim": 8, "model_type": model_type})["parameters_norms"] == norms


def test_cohere_has_a_norm_for_every_head() -> None:
    assert difference("parameters_norms", {"use_qk_norm": True}, {**LLAMA, "model_type": "cohere"}) == 2 * (64 + 16)


def test_plain_feed_forward_parts_have_two_matrices() -> None:
    row = architecture({**LLAMA, "model_type": "arcee"})
    assert row["parameters_dense_mlp"] == 2 * 2 * 64 * 128


def test_a_head_with_bias_and_learned_positions() -> None:
    assert architecture({**LLAMA, "model_type": "phi"})["parameters_lm_head"] == 256 * 64 + 256
    assert architecture({**LLAMA, "model_type": "gpt2"})["parameters_embedding"] == (256 + 1024) * 64
    assert architecture({**LLAMA, "model_type": "opt"})["parameters_embedding"] == (256 + 1024 + 2) * 64
    assert architecture({**LLAMA, "model_type": "bloom"})["parameters_norms"] == (2 * 2 + 1 + 1) * 128


def test_routed_experts_and_their_router() -> None:
    row = architecture({**LLAMA, **EXPERTS})
    assert row["parameters_routed_experts"] == 2 * 4 * EXPERT
    assert row["parameters_router"] == 2 * 4 * 64
    assert row["parameters_active"] == int(str(row["parameters_text"])) - 2 * 2 * EXPERT


@pytest.mark.parametrize(
    ("more", "column", "parameters"),
    [
        ({"use_routing_bias": True}, "router", 2 * 4),
        ({"moe_router_enable_expert_bias": True}, "router", 2 * 4),
        ({"router_bias": True}, "router", 2 * 4),
        ({"expert_bias": True}, "router", 2 * 4),
        ({"expert_bias": True}, "routed_experts", 2 * 4 * (2 * 32 + 64)),
        ({"n_shared_experts": 3}, "shared_experts", 2 * 3 * EXPERT),
        ({"n_shared_experts": 3, "use_mixed_mlp_moe": False}, "shared_experts", 0),
        ({"shared_expert_intermediate_size": 48}, "shared_experts", 2 * 3 * 64 * 48),
        ({"shared_expert_intermediate_size": 48, "n_shared_experts": 2}, "shared_experts", 2 * 3 * 64 * 48),
        ({"moe_latent_size": 16}, "routed_experts", -2 * 4 * (EXPERT - 3 * 16 * 32)),
        ({"moe_latent_size": 16}, "dense_mlp", 2 * 2 * 16 * 64),
        ({"moe_intermediate_size": None}, "routed_experts", 2 * 4 * 3 * 64 * (128 - 32)),
    ],
)
def test_parts_that_keys_add_to_experts(more: dict[str, object], column: str, parameters: int) -> None:
    assert difference(f"parameters_{column}", more, {**LLAMA, **EXPERTS}) == parameters


@pytest.mark.parametrize(("model_type", "gate"), [("qwen2_moe", 64), ("qwen3_5_moe", 64), ("mixtral", 0)])
def test_some_families_gate_their_shared_experts(model_type: str, gate: int) -> None:
    config = {**LLAMA, **EXPERTS, "model_type": model_type, "shared_expert_intermediate_size": 48,
              "layer_types": ["full_attention"] * 2}  # fmt: skip
    assert architecture(config)["parameters_shared_experts"] == 2 * (3 * 64 * 48 + gate)


def test_next_token_heads_are_as_the_last_layer_with_a_projection() -> None:
    row = architecture({**LLAMA, **EXPERTS, "first_k_dense_replace": 1, "num_nextn_predict_layers": 2})
    attention = 64 * 8 * (8 + 2 + 2 + 8)
    assert row["parameters_mtp"] == 2 * (attention + 4 * EXPERT + 4 * 64 + 2 * 64 + 2 * 64 * 64)
    assert row["parameters_dense_mlp"] == 3 * 64 * 128


def test_blocks_may_replace_a_feed_forward_part_by_one_matrix() -> None:
    blocks = [{"attention": {"num_key_value_heads": 2}, "ffn": {"replace_with_linear": True}},
              {"attention": {"replace_with_linear": True}, "ffn": {"intermediate_size": 32}}]  # fmt: skip
    found = extracted({**LLAMA, "model_type": "nemotron-nas", "block_configs": blocks})
    assert [(group["kind"], group["layers"]) for group in found.layer_groups] == [("full", 1), ("none", 1)]
    assert found.architecture["parameters_dense_mlp"] == 64 * 64 + EXPERT


def test_deepseek_v4s_own_tensors() -> None:
    """Three layers: a window only, ratio 4 (whose windows overlap) and ratio 128."""
    config = {"model_type": "deepseek_v4", "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "head_dim": 16,
              "q_lora_rank": 8, "o_lora_rank": 12, "o_groups": 2, "index_head_dim": 4, "index_n_heads": 2, "hc_mult": 2,
              "sliding_window": 128, "compress_ratios": [0, 4, 128], "intermediate_size": 32, "vocab_size": 256,
              "max_position_embeddings": 1024, "num_key_value_heads": 1}  # fmt: skip
    projections = 3 * (8 * 64 + 4 * 16 * 8 + 16 * 64 + 2 * 12 * (4 * 16 // 2) + 64 * 2 * 12)
    compressors = (1 * 4 + 1 * 2) * 16 * 64 + (1 * 8 + 1 * 128) * 16
    index = 2 * 4 * 8 + 2 * 64 + 4 * 4 * 64 + 8 * 4
    mixing = (2 + 2) * 2
    connection = mixing * 2 * 64 + mixing + 3
    row = architecture(config)
    assert row["parameters_attention"] == projections + compressors + index + 3 * 4 + 3 * connection
    assert row["parameters_dense_mlp"] == 3 * 3 * 64 * 32 + 3 * connection
    assert row["parameters_other"] == 2 * 2 * 64 + 2 + 1
    assert row["parameters_norms"] == 3 * (8 + 16) + 7 * 64


def test_zamba_2_shares_blocks_with_adapters() -> None:
    config = {**LLAMA, "model_type": "zamba2", "num_hidden_layers": 4, "layers_block_type": ["mamba", "hybrid"] * 2,
              "num_mem_blocks": 2, "adapter_rank": 4, "mamba_d_state": 8, "mamba_headdim": 16}  # fmt: skip
    row = architecture(config)
    inner = 8 * (2 * 64 // 8)
    assert row["parameters_attention"] == 2 * 3 * inner * 128 + 2 * 64 * inner
    adapters = 2 * 4 * (64 + 2 * 128)
    assert row["parameters_dense_mlp"] == 2 * 3 * 128 * 64 + adapters + 2 * 64 * 64
    attending = difference("parameters_attention", {"use_shared_attention_adapter": True}, config)
    assert attending == 2 * 3 * 4 * (128 + inner)
    listed = {**config, "layers_block_type": None, "hybrid_layer_ids": [3]}
    assert architecture(listed)["parameters_dense_mlp"] == 2 * 3 * 128 * 64 + adapters // 2 + 64 * 64


def test_opt_and_arctic() -> None:
    opt = {**LLAMA, "model_type": "opt"}
    assert difference("parameters_embedding", {"word_embed_proj_dim": 32}, opt) == 2 * 32 * 64
    assert difference("parameters_embedding", {"word_embed_proj_dim": 64}, opt) == 0
    arctic = {**LLAMA, "model_type": "arctic"}
    assert difference("parameters_dense_mlp", {"parallel_attn_mlp_res": True}, arctic) == 2 * 3 * 64 * 64


def test_gemma_4_has_no_inputs_a_layer_unless_the_config_says() -> None:
    gemma = {**LLAMA, "model_type": "gemma4_text", "sliding_window": 8}
    assert difference("parameters_other", {"hidden_size_per_layer_input": 4}, gemma) == 3 * 2 * 4 * 64
    without_streams = {**gemma, "model_type": "gemma3n_text", "altup_num_inputs": 0, "hidden_size_per_layer_input": 0}
    assert architecture(without_streams)["parameters_other"] == 0


@pytest.mark.parametrize(
    ("model_type", "text", "biased"),
    [
        ("qwen2", {}, {"qkv"}),
        ("qwen2", {"attention_bias": False}, {"qkv"}),
        ("gpt2", {}, {"qkv", "output", "mlp"}),
        ("gpt2", {"use_bias": False}, set()),
        ("phi", {"attention_bias": False}, {"mlp", "head"}),
        ("opt", {"enable_bias": False}, set()),
        ("chatglm", {"add_qkv_bias": True}, {"qkv"}),
        ("llama", {"attention_bias": True, "mlp_bias": True}, {"qkv", "output", "mlp"}),
        ("mpt", {"no_bias": True}, set()),
    ],
)
def test_which_parts_have_biases(model_type: str, text: dict[str, object], biased: set[str]) -> None:
    family, known = family_of(model_type, text)
    assert known
    assert biased_parts(Fields(text, text, model_type, None), family) == biased


def test_families_by_name_alias_and_key() -> None:
    assert family_of("qwen3_5_moe", {}) == family_of("qwen3_next", {})
    assert family_of("chatglm", {"inner_hidden_size": 1})[0].mlp == "plain"
    assert family_of("never_seen", {}) == (Family(), False)


def test_sizes_that_deepseek_v4_cannot_do_without() -> None:
    config = {**LLAMA, "model_type": "deepseek_v4", "head_dim": 8, "sliding_window": 8}
    assert "q_lora_rank" in refused(config).message
    assert json.loads(json.dumps(architecture({**config, "q_lora_rank": 4, "o_lora_rank": 4, "o_groups": 1, "index_n_heads": 1,
                                               "index_head_dim": 4})))["attention_layers"] == 2  # fmt: skip
