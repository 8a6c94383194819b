"""What checkpoints say about their quantization, and what their packed tensors stand for."""

from __future__ import annotations

import pytest
from extraction_cases import LLAMA, architecture, llama_header

from transforms.config.listed_modules import ListedModules
from transforms.config.quantization import Quantization, QuantizedPart, read_quantization

WEIGHTS4 = {"num_bits": 4, "type": "int", "group_size": 32, "strategy": "group", "dynamic": False}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"quant_method": "gptq", "bits": 4, "group_size": 128, "checkpoint_format": "gptq_v2"},
         Quantization("gptq", 4.0, 128, "none", "gptq_v2")),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, Quantization("gptq", 8.0, None, "none")),
        ({"quant_method": "awq", "w_bit": 4, "q_group_size": 128, "version": "GEMV"}, Quantization("awq", 4.0, 128, "none",
        "gemv")),
        ({"quant_method": "fp8", "activation_scheme": "static", "ignored_layers": ["lm_head"], "kv_cache_scheme": "static"},
         Quantization("fp8", 8.0, None, "static", None, ("lm_head",), "static")),
        ({"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["lm_head"]},
         Quantization("fbgemm_fp8", 8.0, None, "dynamic", None, ("lm_head",))),
        ({"quant_method": "compressed-tensors", "format": "pack-quantized", "ignore": ["lm_head"],
          "config_groups": {"group_0": {"targets": ["Linear"], "weights": WEIGHTS4, "input_activations": None}}},
         Quantization("compressed-tensors", 4.0, 32, "none", "pack-quantized", ("lm_head",))),
        ({"quant_method": "compressed-tensors", "format": "float-quantized", "kv_cache_scheme": {"num_bits": 8, "type": "float"},
          "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float", "strategy": "channel"},
                                        "input_activations": {"dynamic": True, "num_bits": 8}}}},
         Quantization("compressed-tensors", 8.0, None, "dynamic", "float-quantized", (), "fp8")),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
         Quantization("bitsandbytes", 4.0, 64, "none", "nf4-double")),
        ({"load_in_8bit": True}, Quantization("bitsandbytes", 8.0, None, "dynamic", "int8")),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "exclude_modules": ["lm_head"]},
         Quantization("modelopt", 4.0, 16, "static", "nvfp4", ("lm_head",))),
        ({"quant_method": "aqlm", "in_group_size": 8, "out_group_size": 1, "num_codebooks": 1, "nbits_per_codebook": 16},
         Quantization("aqlm", 2.0, 8, "none")),
        ({"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}},
         Quantization("hqq", 4.0, 64, "none")),
        ({"quant_method": "quanto", "weights": "int4"}, Quantization("quanto", 4.0, None, "none", "int4")),
        ({"quant_method": "torchao", "quant_type": "int8_weight_only"}, Quantization("torchao", 8.0, None, "none",
        "int8_weight_only")),
        ({"quant_method": "exl3", "bits": 3.5}, Quantization("exl3", 3.5, None, "none")),
        ({"quant_method": "quark", "exclude": ["lm_head"], "global_quant_config": {
            "weight": {"dtype": "fp4", "group_size": 32}, "input_tensors": {"is_dynamic": True}}},
         Quantization("quark", 4.0, 32, "dynamic", "fp4", ("lm_head",))),
        ({"quant_method": "brand_new", "bits": 3}, Quantization("brand_new", 3.0, None, "none")),
        ({}, Quantization()),
    ],
)  # fmt: skip
def test_methods(config: dict[str, object], expected: Quantization) -> None:
    assert read_quantization({"quantization_config": config}, {}, None) == expected


def test_files_beside_the_config_and_nested_configs_are_read() -> None:
    beside = {
        "producer": {"name": "modelopt"},
        "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["a"]},
    }
    assert read_quantization({}, {}, beside) == Quantization("modelopt", 8.0, None, "static", "fp8", ("a",), "fp8")
    assert read_quantization({}, {}, {"bits": 4, "group_size": 128, "desc_act": False}).method == "gptq"
    assert read_quantization({}, {"quantization_config": {"quant_method": "fp8"}}, None).method == "fp8"
    assert read_quantization({"quantization": {"group_size": 64, "bits": 4}}, {}, None) == Quantization("mlx", 4.0, 64, "none")


PACKINGS = {
    "gptq": ([("qweight", "I32", (8, 64)), ("qzeros", "I32", (2, 8)), ("scales", "F16", (2, 64)), ("g_idx", "I32", (64,))], None),
    "gptq 8 bit": ([("qweight", "I32", (16, 64)), ("scales", "F16", (2, 64)), ("g_idx", "I32", (64,))], None),
    "awq": ([("qweight", "I32", (64, 8)), ("qzeros", "I32", (2, 8)), ("scales", "F16", (2, 64))], None),
    "compressed-tensors int4": ([("weight_packed", "I32", (64, 8)), ("weight_scale", "BF16", (64, 2)), ("weight_shape",
    "I64", (2,))], 4),
    "nvfp4 packed": ([("weight_packed", "U8", (64, 32)), ("weight_scale", "F8_E4M3", (64, 4)), ("weight_global_scale", "F32",
    (1,))], 4),
    "modelopt nvfp4": ([("weight", "U8", (64, 32)), ("weight_scale", "F8_E4M3", (64, 4)), ("weight_scale_2", "F32", ())], 4),
    "mxfp4": ([("weight", "U8", (64, 32)), ("weight_scale", "U8", (64, 2))], 4),
    "fp8": ([("weight", "F8_E4M3", (64, 64)), ("weight_scale", "F32", (1,)), ("input_scale", "F32", (1,))], 8),
    "int8": ([("weight", "I8", (64, 64)), ("weight_scale", "F32", (64, 1))], 8),
    "nf4": ([("weight", "U8", (2048, 1)), ("weight.absmax", "U8", (64,)), ("weight.quant_map", "F32", (16,)),
             ("weight.quant_state.bitsandbytes__nf4", "U8", (90,))], 4),
    "llm.int8": ([("weight", "I8", (64, 64)), ("SCB", "F32", (64,)), ("weight_format", "U8", ())], 8),
    "mlx": ([("weight", "U32", (64, 8)), ("scales", "F16", (64, 1)), ("biases", "F16", (64, 1))], 4),
    "exl2": ([("q_weight", "I32", (8, 64)), ("q_scale", "I32", (2, 8)), ("q_invperm", "I32", (64,)), ("q_groups", "I16",
    (4,))], None),
    "exl3": ([("trellis", "I16", (4, 4, 48)), ("suh", "F16", (64,)), ("svh", "F16", (64,))], 3),
    "hqq": ([("W_q", "U8", (32, 64)), ("scale", "F16", (64, 1)), ("zero", "F16", (64, 1)), ("shape", "I64", (2,))], 4),
    "aqlm": ([("codes", "I16", (64, 8, 1)), ("codebooks", "F16", (1, 65536, 1, 8)), ("scales", "F16", (64, 1, 1, 1))], 2),
    "quanto": ([("weight._data", "I8", (64, 64)), ("weight._scale", "F16", (64, 1))], 8),
}  # fmt: skip


@pytest.mark.parametrize("packing", sorted(PACKINGS))
def test_packed_weights_count_as_the_weights_they_stand_for(packing: str) -> None:
    leaves, bits = PACKINGS[packing]
    rows = [row for row in llama_header("F16") if ".q_proj." not in row[0]]
    for layer in range(2):
        rows += [(f"model.layers.{layer}.self_attn.q_proj.{leaf}", dtype, shape) for leaf, dtype, shape in leaves]
    config = {**LLAMA, "quantization_config": {"quant_method": packing.split()[0], **({"bits": bits} if bits else {})}}
    row, plain = architecture(config, rows), architecture(LLAMA, llama_header("F16"))
    assert row["parameters_total"] == plain["parameters_total"]
    assert row["linear_parameters_attention"] == 2 * 64 * 64
    assert row["linear_parameters_dense_mlp"] == 0


def test_a_method_that_no_config_names_is_told_from_the_tensors() -> None:
    rows = [row for row in llama_header("F16") if ".q_proj." not in row[0]]
    rows += [(f"model.layers.0.self_attn.q_proj.{leaf}", dtype, shape) for leaf, dtype, shape in PACKINGS["exl3"][0]]
    assert architecture(LLAMA, rows)["quantization_method"] == "exl3"


def test_biases_of_zeros_that_gptq_writes_are_no_parameters() -> None:
    leaves = PACKINGS["gptq"][0]
    rows = [row for row in llama_header("F16") if ".q_proj." not in row[0]]
    for layer in range(2):
        rows += [(f"model.layers.{layer}.self_attn.q_proj.{leaf}", dtype, shape) for leaf, dtype, shape in leaves]
        rows.append((f"model.layers.{layer}.self_attn.q_proj.bias", "F16", (64,)))
    config = {**LLAMA, "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 32}}
    assert architecture(config, rows)["parameters_total"] == architecture(LLAMA, llama_header())["parameters_total"]
    biased = architecture({**config, "attention_bias": True}, rows)
    assert biased["parameters_total"] == architecture(LLAMA, llama_header())["parameters_total"] + 2 * 64


def test_derived_sizes_follow_the_ignore_list() -> None:
    scheme = {"quant_method": "compressed-tensors", "format": "pack-quantized",
    "config_groups": {"group_0": {"weights": WEIGHTS4}},
              "ignore": ["lm_head", "re:.*self_attn.*", "model.layers.1.mlp.down_proj"]}  # fmt: skip
    row = architecture({**LLAMA, "quantization_config": scheme})
    assert row["linear_parameters_attention"] == 0
    assert row["linear_parameters_dense_mlp"] == 5 * 64 * 128
    assert row["bytes_dense_mlp"] == 5 * (64 * 128 // 2 + 64 * 128 // 32 * 2) + 64 * 128 * 2
    assert row["parameters_total"] == architecture(LLAMA)["parameters_total"]


@pytest.mark.parametrize(
    ("entry", "module", "layer", "left_out"),
    [
        ("model.layers.3.self_attn", "model.layers.*.self_attn.q_proj", 3, True),
        ("model.layers.3.self_attn", "model.layers.*.self_attn.q_proj", 4, False),
        ("model.layers.1*", "model.layers.*.mlp.up_proj", 1, True),
        ("model.layers.*.self_attn", "model.layers.*.self_attn.q_proj", 9, True),
        ("re:.*mlp\\.(gate|up)_proj.*", "model.layers.*.mlp.up_proj", 0, True),
        ("re:.*mlp\\.(gate|up)_proj.*", "model.layers.*.mlp.down_proj", 0, False),
        ("re:(a+)+$", "model.layers.*.mlp.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, False),
        ("*shared_expert*", "model.layers.*.mlp.shared_experts.up_proj", 2, True),
        ("language_model.model.layers.0.self_attn*", "model.layers.*.self_attn.kv_b_proj", 0, True),
        ("lm_head", "model.layers.*.mlp.up_proj", 0, False),
    ],
)
def test_ignore_lists(entry: str, module: str, layer: int, left_out: bool) -> None:
    assert ListedModules([entry]).matches(module, layer) is left_out


def test_a_mixed_checkpoint_stores_each_part_in_its_own_precision() -> None:
    layers = {f"model.layers.{layer}.self_attn.{name}_proj": {"quant_algo": "FP8"} for layer in range(2) for name in "qkvo"}
    layers["model.layers.0.mlp.up_proj"] = {"quant_algo": "W4A16_NVFP4", "group_size": 16}
    scheme = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": layers}
    stated = read_quantization({"quantization_config": scheme}, {}, None)
    assert (stated.bits, stated.group_size) == (4.0, 16)
    assert QuantizedPart(4.0, 16, ("model.layers.0.mlp.up_proj",)) in stated.parts
    row, plain = architecture({**LLAMA, "quantization_config": scheme}), architecture(LLAMA)
    assert row["parameters_total"] == plain["parameters_total"]
    assert row["linear_parameters_attention"] == plain["parameters_attention"]
    assert row["linear_parameters_dense_mlp"] == 64 * 128
    assert row["bytes_dense_mlp"] == 5 * 64 * 128 * 2 + 64 * 128 // 2 + 64 * 128 // 16
