"""Whatever a repository contains, extraction answers with one record or one reject."""

from __future__ import annotations

import json

from extraction_cases import DEEPSEEK_V3, LLAMA, files_of, llama_header
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.architecture.extract_models import extract_model
from transforms.tables.contracts import TABLES
from transforms.tables.records import Extracted, Reject
from transforms.tables.rejects import REJECT_CODES

KEYS = sorted(
    {
        *LLAMA, *DEEPSEEK_V3, "head_dim", "layer_types", "sliding_window", "quantization_config", "text_config", "vision_config",
        "hybrid_override_pattern", "block_configs", "rope_scaling", "attn_type_list", "linear_attn_config", "num_experts",
        "full_attention_interval", "attn_layer_period", "layers_block_type", "ffn_multipliers", "compress_ratios",
        "mlp_layer_types",
        "num_local_experts", "attention_types", "no_rope_layers", "audio_config", "cross_attention_layers", "use_sliding_window",
    }
)  # fmt: skip
NUMBERS = st.sampled_from([0, 1, 2, 3, 7, 8, 64, 1000, -1, 2**31, 2**63, 10**30, 0.5, 1e308, float("inf"), float("nan"), 1e9])
WORDS = st.sampled_from(["llama", "gpt2", "qwen3_next", "deepseek_v3", "nemotron_h", "mamba2", "gemma3", "falcon", "ME*-",
"full_attention",
                         "sliding_attention", "mamba", "fp8", "re:.*(a|b)+$", "", "x" * 50])  # fmt: skip
LEAVES = st.none() | st.booleans() | NUMBERS | WORDS
VALUES = st.recursive(LEAVES, lambda child: st.lists(child, max_size=4) | st.dictionaries(st.sampled_from(KEYS), child,
max_size=5),
                      max_leaves=12)  # fmt: skip
TYPES = st.sampled_from(
    ["llama", "mistral", "gpt2", "qwen2", "qwen3_next", "deepseek_v3", "deepseek_v4", "nemotron_h", "mamba", "mamba2",
    "gemma3", "gemma4",
     "falcon", "jamba", "zamba2", "lfm2", "openelm", "kimi_linear", "longcat_flash", "minimax", "unheard_of", "rwkv",
     "recurrent_gemma"]
)  # fmt: skip
RELAXED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(result: Extracted | Reject) -> None:
    if isinstance(result, Reject):
        assert result.code in REJECT_CODES
        assert result.message and "\n" not in result.message and len(result.message) < 600
        return
    row = result.architecture
    assert set(row) == set(TABLES["architectures"].columns)
    assert all(row[column] is not None for column in row if column not in TABLES["architectures"].nullable)
    assert all(value >= 0 for value in row.values() if isinstance(value, int))
    assert row["parameters_total"] == sum(
        part["logical_parameters"] for part in result.parameter_groups if part["tensor_group"] != "mtp"
    )
    json.dumps(row)


@RELAXED
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=12))
def test_random_configs(config: dict[str, object]) -> None:
    check(extract_model(files_of(config)))


@RELAXED
@given(TYPES, st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=3), st.booleans())
def test_damaged_configs(model_type: str, damage: dict[str, object], stored: bool) -> None:
    config = {**DEEPSEEK_V3, **LLAMA, "model_type": model_type, **damage}
    check(extract_model(files_of(config, llama_header() if stored else None)))


@RELAXED
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["model.layers.0.self_attn.k_proj.", "model.layers.7.mlp.experts.3.up_proj.", "lm_head.", "x.", "visual."]
            ),
            st.sampled_from(
                [
                    "weight",
                    "qweight",
                    "weight_packed",
                    "weight_scale",
                    "scales",
                    "g_idx",
                    "codes",
                    "codebooks",
                    "trellis",
                    "q_weight",
                    "q_scale",
                    "q_invperm",
                    "W_q",
                    "bias",
                    "weight.absmax",
                    "biases",
                    "down_blocks",
                    "D",
                ]
            ),
            st.sampled_from(["BF16", "F32", "U8", "I8", "I32", "U32", "I16", "F8_E4M3"]),
            st.lists(st.integers(0, 9), max_size=4).map(tuple),
        ),
        max_size=12,
        unique_by=lambda row: (row[0], row[1]),
    )
)
def test_random_tensors(rows: list[tuple[str, str, str, tuple[int, ...]]]) -> None:
    check(extract_model(files_of(LLAMA, [(f"{module}{leaf}", dtype, shape) for module, leaf, dtype, shape in rows])))


@RELAXED
@given(st.text(max_size=300), st.text(max_size=100), st.text(max_size=100))
def test_random_texts(config: str, summary: str, beside: str) -> None:
    check(extract_model(files_of(config, header_summary=summary, quantization_json=beside)))
    check(extract_model(files_of(LLAMA, header_summary=summary or None, files=beside, tags=config)))


def test_absurd_sizes_are_refused_in_no_time() -> None:
    for field, value in (("num_hidden_layers", 10**9), ("hidden_size", 10**30), ("num_experts", 10**12), ("vocab_size", -5),
                         ("num_hidden_layers", 1e300), ("intermediate_size", "wide")):  # fmt: skip
        result = extract_model(files_of({**LLAMA, field: value, "num_experts_per_tok": 1}))
        assert isinstance(result, Reject), field
        assert field in result.message


def test_products_beyond_any_model_are_refused() -> None:
    huge = {**LLAMA, "hidden_size": 2**30, "intermediate_size": 2**31 - 1, "num_hidden_layers": 1000, "num_attention_heads": 64}
    result = extract_model(files_of(huge))
    assert isinstance(result, Reject) and result.code == "over_bound"
