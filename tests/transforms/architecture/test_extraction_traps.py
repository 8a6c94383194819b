"""The figures that sizing tools get wrong, each with the right one."""

from __future__ import annotations

import pytest
from extraction_cases import DEEPSEEK_V3, LLAMA, architecture, extracted, llama_header


def test_gpt_oss_counts_packed_experts_as_their_weights() -> None:
    config = {**LLAMA, "architectures": ["GptOssForCausalLM"], "model_type": "gpt_oss", "head_dim": 8, "num_local_experts": 4,
              "num_experts_per_tok": 2, "sliding_window": 128, "layer_types": ["sliding_attention", "full_attention"],
              "quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}}  # fmt: skip
    rows = [("model.embed_tokens.weight", "BF16", (256, 64)), ("lm_head.weight", "BF16", (256, 64))]
    for layer in range(2):
        at = f"model.layers.{layer}.mlp"
        rows += [
            (f"{at}.experts.gate_up_proj_blocks", "U8", (4, 256, 2, 16)), (f"{at}.experts.gate_up_proj_scales", "U8", (4,
            256, 2)),
            (f"{at}.experts.gate_up_proj_bias", "BF16", (4, 256)), (f"{at}.router.weight", "BF16", (4, 64)),
        ]  # fmt: skip
    row = architecture(config, rows)
    assert row["parameters_routed_experts"] == 2 * (4 * 256 * 64 + 4 * 256)
    assert row["linear_parameters_routed_experts"] == 2 * 4 * 256 * 64
    assert row["bytes_routed_experts"] == 2 * (4 * 256 * 32 + 4 * 256 * 2 + 4 * 256 * 2)
    assert (row["quantization_method"], row["quantization_bits"], row["quantization_group_size"]) == ("mxfp4", 4.0, 32)


def test_a_vision_model_is_not_its_tower() -> None:
    config = {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "text_config": {
        "model_type": "gemma3_text", "hidden_size": 5376, "intermediate_size": 21504, "num_attention_heads": 32,
        "num_hidden_layers": 62, "num_key_value_heads": 16, "head_dim": 128, "sliding_window": 1024},
        "vision_config": {"hidden_size": 1152, "image_size": 896, "intermediate_size": 4304, "model_type": "siglip_vision_model",
                          "num_attention_heads": 16, "num_hidden_layers": 27, "patch_size": 14}}  # fmt: skip
    result = extracted(config)
    row = result.architecture
    assert row["parameters_total"] == pytest.approx(27.43e9, rel=0.005)
    assert row["parameters_vision_audio"] == pytest.approx(0.42e9, rel=0.05)
    assert (row["kv_bytes_per_token"], row["kv_bytes_per_token_unbounded"]) == (507_904, 81_920)
    assert {(group["kind"], group["layers"], group["window_tokens"]) for group in result.layer_groups} == {
        ("sliding", 52, 1024),
        ("full", 10, None),
    }


def test_latent_attention_is_one_vector_and_is_not_divided() -> None:
    result = extracted(DEEPSEEK_V3)
    row, group = result.architecture, result.layer_groups[0]
    assert row["kv_bytes_per_token"] == 70_272
    assert (group["kind"], group["shards_with_tp"], group["kv_bytes_per_token_per_layer"]) == ("latent", False, 1152)
    assert group["decode_flops_per_context_token_per_layer"] == 2 * 128 * (2 * 512 + 64)
    assert group["prefill_flops_per_context_token_per_layer"] == 2 * 128 * (128 + 64 + 128)
    assert row["parameters_total"] == pytest.approx(671_026_419_200, rel=1e-4)
    assert row["parameters_active"] == pytest.approx(37.55e9, rel=0.005)
    assert (row["attention_type"], row["mla_layers"], row["moe_layers"], row["kv_heads"]) == ("MLA", 61, 58, 1)
    down = 61 * 7168 * (1536 + 512 + 64)
    assert row["parameters_attention_replicated"] == down


def test_falcon_7b_has_one_kv_head() -> None:
    config = {"architectures": ["FalconForCausalLM"], "model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32,
              "num_attention_heads": 71, "multi_query": True, "new_decoder_architecture": False, "vocab_size": 65024,
              "bias": False}  # fmt: skip
    row = architecture(config)
    assert (row["kv_heads"], row["kv_bytes_per_token"], row["attention_type"]) == (1, 8192, "MQA")
    assert row["parameters_total"] == 6_921_720_704


def test_nemotron_hybrids_cache_only_in_attention_layers() -> None:
    config = {"architectures": ["NemotronHForCausalLM"], "model_type": "nemotron_h", "hidden_size": 2688, "num_hidden_layers": 52,
              "hybrid_override_pattern": "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME", "num_attention_heads": 32,
              "num_key_value_heads": 2, "head_dim": 128, "mamba_head_dim": 64, "mamba_num_heads": 64, "n_groups": 8,
              "ssm_state_size": 128, "conv_kernel": 4, "intermediate_size": 1856, "moe_intermediate_size": 1856,
              "moe_shared_expert_intermediate_size": 3712, "n_routed_experts": 128, "n_shared_experts": 1,
              "num_experts_per_tok": 6,
              "vocab_size": 131072, "max_position_embeddings": 262144, "tie_word_embeddings": False}  # fmt: skip
    row = architecture(config)
    assert (row["kv_bytes_per_token"], row["state_bytes_per_sequence"]) == (6144, 49_364_992)
    assert (row["attention_layers"], row["linear_layers"], row["moe_layers"]) == (6, 23, 23)


def test_qwen2_sliding_window_is_off_by_default() -> None:
    config = {
        **LLAMA,
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "sliding_window": 512,
        "max_window_layers": 1,
    }
    off = architecture({**config, "use_sliding_window": False})
    assert off["kv_bytes_per_token_unbounded"] == off["kv_bytes_per_token"] == 2 * 2 * 2 * 8 * 2
    on = architecture({**config, "use_sliding_window": True})
    assert on["kv_bytes_per_token_unbounded"] == on["kv_bytes_per_token"] // 2


def test_four_bit_weights_weigh_half_a_byte_and_embeddings_stay_whole() -> None:
    rows = [row for row in llama_header("F16") if "_proj" not in row[0]]
    for layer in range(2):
        for name, out, into in (("self_attn.q_proj", 64, 64), ("self_attn.k_proj", 16, 64), ("self_attn.v_proj", 16, 64),
                                ("self_attn.o_proj", 64, 64), ("mlp.gate_proj", 128, 64), ("mlp.up_proj", 128, 64),
                                ("mlp.down_proj", 64, 128)):  # fmt: skip
            at = f"model.layers.{layer}.{name}"
            rows += [(f"{at}.qweight", "I32", (into, out // 8)), (f"{at}.qzeros", "I32", (into // 32, out // 8)),
                     (f"{at}.scales", "F16", (into // 32, out))]  # fmt: skip
    awq = {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm", "zero_point": True}
    row = architecture({**LLAMA, "quantization_config": awq}, rows)
    plain = architecture(LLAMA, llama_header("F16"))
    assert row["parameters_total"] == plain["parameters_total"]
    assert row["bytes_embedding"] == plain["bytes_embedding"] == 256 * 64 * 2
    matrices = plain["parameters_attention"]
    assert row["bytes_attention"] == matrices // 2 + matrices // 32 // 2 + matrices // 32 * 2
    assert (row["quantization_method"], row["quantization_format"], row["quantization_activations"]) == ("awq", "gemm", "none")


def test_active_parameters_leave_out_unused_experts_only() -> None:
    config = {
        **LLAMA,
        "architectures": ["MixtralForCausalLM"],
        "model_type": "mixtral",
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
    }
    row = architecture(config)
    expert = 3 * 64 * 128
    assert row["parameters_routed_experts"] == 2 * 8 * expert
    assert row["parameters_total"] - row["parameters_active"] == 2 * 6 * expert
    assert row["flops_per_token"] == 2 * (row["parameters_active"] - row["parameters_embedding"] - row["parameters_norms"])


def test_float32_checkpoints_are_served_in_16_bit() -> None:
    row = architecture({**LLAMA, "torch_dtype": "float32"}, llama_header("F32"))
    assert row["loaded_weights_bytes"] * 2 == row["weights_bytes"] == row["parameters_total"] * 4
    assert row["checkpoint_dtype"] == "float32"


def test_the_new_dtype_key_is_read() -> None:
    config = {key: value for key, value in LLAMA.items() if key != "torch_dtype"}
    row = architecture({**config, "dtype": "bfloat16"})
    assert (row["checkpoint_dtype"], row["weights_bytes"]) == ("bfloat16", 2 * row["parameters_total"])


def test_an_absent_head_is_tied_whatever_the_config_says() -> None:
    row = architecture(LLAMA, llama_header(head=False))
    assert row["tied_embeddings"] is True
    assert row["parameters_lm_head"] == 0
    assert row["flops_per_token"] == architecture(LLAMA, llama_header())["flops_per_token"]


def test_a_tied_head_that_is_stored_all_the_same_counts_once() -> None:
    row = architecture({**LLAMA, "tie_word_embeddings": True}, llama_header())
    assert row["parameters_lm_head"] == 0
    assert row["weights_bytes"] - row["loaded_weights_bytes"] == 256 * 64 * 2


def test_phi_4_keeps_its_ten_kv_heads() -> None:
    config = {"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "hidden_size": 5120, "intermediate_size": 17920,
              "num_attention_heads": 40, "num_hidden_layers": 40, "num_key_value_heads": 10, "vocab_size": 100352,
              "max_position_embeddings": 16384, "sliding_window": None, "tie_word_embeddings": False}  # fmt: skip
    row = architecture(config)
    assert (row["kv_heads"], row["attention_heads"], row["kv_bytes_per_token"]) == (10, 40, 204_800)


def test_gpt2_has_its_1024_tokens() -> None:
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 768, "n_head": 12, "n_layer": 12,
              "n_positions": 1024, "vocab_size": 50257}  # fmt: skip
    row = architecture(config)
    assert (row["max_model_len_default"], row["parameters_total"], row["kv_bytes_per_token"]) == (1024, 124_439_808, 36_864)


def test_next_token_heads_are_in_no_total() -> None:
    rows = llama_header(layers=3)
    row = architecture({**LLAMA, "num_nextn_predict_layers": 1}, rows)
    assert row["parameters_total"] == architecture(LLAMA, llama_header())["parameters_total"]
    assert row["parameters_mtp"] == 64 * 64 * 2 + 16 * 64 * 2 + 3 * 64 * 128 + 128
    assert row["weights_bytes"] == 2 * (row["parameters_total"] + row["parameters_mtp"])
    assert row["loaded_weights_bytes"] == 2 * row["parameters_total"]


def test_what_no_pattern_knows_is_counted_as_other() -> None:
    row = architecture(LLAMA, [*llama_header(), ("mystery.widget", "BF16", (10, 10))])
    assert (row["parameters_other"], row["bytes_other"]) == (100, 200)


def test_causal_masks_and_rotary_tables_are_no_parameters() -> None:
    rows = [
        *llama_header(),
        ("model.layers.0.self_attn.rotary_emb.inv_freq", "F32", (4,)),
        ("h.0.attn.bias", "F32", (1, 1, 8, 8)),
    ]
    row = architecture(LLAMA, rows)
    assert row["parameters_total"] == architecture(LLAMA, llama_header())["parameters_total"]
    assert row["weights_bytes"] - row["loaded_weights_bytes"] == (4 + 64) * 4


@pytest.mark.parametrize(
    ("scaling", "declared", "derived"),
    [
        (None, 1024, 1024),
        ({"type": "linear", "factor": 4.0}, 1024, 4096),
        ({"type": "dynamic", "factor": 2.0}, 1024, 2048),
        ({"rope_type": "yarn", "factor": 40, "original_max_position_embeddings": 4096}, 163840, 163840),
        ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}, 32768, 131072),
        ({"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192}, 131072, 131072),
        ({"type": "longrope", "long_factor": [1.0], "short_factor": [1.0]}, 131072, 131072),
        ({"type": "mrope", "mrope_section": [16, 24, 24]}, 32768, 32768),
    ],
)
def test_context_that_the_engine_derives(scaling: object, declared: int, derived: int) -> None:
    row = architecture({**LLAMA, "max_position_embeddings": declared, "rope_scaling": scaling})
    assert (row["max_position_embeddings"], row["max_model_len_default"]) == (declared, derived)


@pytest.mark.parametrize(
    ("more", "values"),
    [
        ({}, 1024 * 128),
        ({"rope_scaling": {"type": "linear", "factor": 4.0}}, 4096 * 128),
        ({"rope_scaling": {"type": "dynamic", "alpha": 1000.0}}, 1024 * 128),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256}}, 1024 * 128),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 128}}, 1024 * 128),
        ({"rope_scaling": {"type": "longrope", "short_factor": [1.0]}, "original_max_position_embeddings": 256}, 1280 * 128),
        ({"rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}}, 4096 * 128),
        ({"partial_rotary_factor": 0.25}, 1024 * 32),
        ({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}}, 1024 * 64),
        ({"rotary_dim": 64}, 1024 * 64),
    ],
)
def test_rotary_tables_span_what_the_scaling_spans(more: dict[str, object], values: int) -> None:
    row = architecture({**LLAMA, "max_position_embeddings": 1024, "head_dim": 128, **more})
    assert row["rotary_values"] == values


def test_layers_with_rotary_parameters_of_their_own_have_a_table_of_their_own() -> None:
    """gemma-3-4b: 8 x 131,072 positions of 256 values for full layers, 131,072 for windowed ones."""
    gemma = {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"]}
    scaling = {"factor": 8.0, "rope_type": "linear"}
    text = {
        "hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34,
        "rope_scaling": scaling, "sliding_window": 1024,
    }  # fmt: skip
    assert architecture({**gemma, "text_config": text})["rotary_values"] == 9 * 131_072 * 256
    kinds = {"full_attention": scaling, "sliding_attention": {"rope_type": "default"}}
    by_kind = {key: value for key, value in text.items() if key != "rope_scaling"} | {"rope_parameters": kinds}
    assert architecture({**gemma, "text_config": by_kind})["rotary_values"] == 9 * 131_072 * 256


def test_fused_projections_split_into_their_kv_share() -> None:
    rows = [row for row in llama_header() if ".self_attn." not in row[0]]
    rows += [(f"model.layers.{layer}.self_attn.qkv_proj.weight", "BF16", (96, 64)) for layer in range(2)]
    row = architecture(LLAMA, rows)
    assert row["parameters_kv_projection"] == 2 * 32 * 64


def test_stored_shapes_win_over_the_config() -> None:
    row = architecture({**LLAMA, "num_key_value_heads": 8}, llama_header(kv_rows=16))
    assert (row["kv_heads"], row["kv_bytes_per_token"]) == (2, 2 * 2 * 2 * 8 * 2)
    assert '"kv_heads": "header"' in row["feature_sources"]


def test_bytes_of_one_float32_scale_stay_float32() -> None:
    rows = [(name, "F8_E4M3" if "_proj" in name else dtype, shape) for name, dtype, shape in llama_header()]
    rows += [(name.replace(".weight", ".weight_scale_inv"), "F32", (1, 1)) for name, _, _ in llama_header() if "_proj" in name]
    fp8 = {"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic", "fmt": "e4m3"}
    result = extracted({**LLAMA, "quantization_config": fp8}, rows)
    row = result.architecture
    assert row["parameters_total"] == architecture(LLAMA, llama_header())["parameters_total"]
    assert row["bytes_attention"] == row["parameters_attention"] + 8 * 4
    assert {(part["tensor_group"], part["dtype"]) for part in result.parameter_groups} >= {
        ("attention", "F8_E4M3"),
        ("attention", "F32"),
    }
    assert row["quantization_format"] == "e4m3-block-128x128"
