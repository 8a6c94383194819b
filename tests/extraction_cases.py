"""Small models for the tests of extraction: configs, header tables, and one call that extracts them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from transforms.architecture.extract_models import extract_model
from transforms.tables.records import Extracted, HubFiles, Reject
from transforms.weights.safetensors import DTYPE_BITS, Tensor, summarize

NOW = datetime(2026, 1, 1, tzinfo=UTC)

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 256,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}

DEEPSEEK_V3 = {
    "architectures": ["DeepseekV3ForCausalLM"],
    "model_type": "deepseek_v3",
    "hidden_size": 7168,
    "num_hidden_layers": 61,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 3,
    "kv_lora_rank": 512,
    "q_lora_rank": 1536,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "vocab_size": 129280,
    "max_position_embeddings": 163840,
    "tie_word_embeddings": False,
}


def header(rows: list[tuple[str, str, tuple[int, ...]]]) -> str:
    """A header summary of tensors given as (name, dtype, shape)."""
    tensors, position = [], 0
    for name, dtype, shape in rows:
        size = DTYPE_BITS[dtype] // 8
        for side in shape:
            size *= side
        tensors.append(Tensor(name, dtype, shape, position, position + size))
        position += size
    return summarize(tensors, 1, "single")


def llama_header(
    dtype: str = "BF16", layers: int = 2, head: bool = True, kv_rows: int = 16
) -> list[tuple[str, str, tuple[int, ...]]]:
    """The tensors of LLAMA."""
    rows = [("model.embed_tokens.weight", dtype, (256, 64)), ("model.norm.weight", dtype, (64,))]
    if head:
        rows.append(("lm_head.weight", dtype, (256, 64)))
    for layer in range(layers):
        at = f"model.layers.{layer}"
        rows += [
            (f"{at}.self_attn.q_proj.weight", dtype, (64, 64)),
            (f"{at}.self_attn.k_proj.weight", dtype, (kv_rows, 64)),
            (f"{at}.self_attn.v_proj.weight", dtype, (kv_rows, 64)),
            (f"{at}.self_attn.o_proj.weight", dtype, (64, 64)),
            (f"{at}.mlp.gate_proj.weight", dtype, (128, 64)),
            (f"{at}.mlp.up_proj.weight", dtype, (128, 64)),
            (f"{at}.mlp.down_proj.weight", dtype, (64, 128)),
            (f"{at}.input_layernorm.weight", dtype, (64,)),
            (f"{at}.post_attention_layernorm.weight", dtype, (64,)),
        ]
    return rows


def files_of(config: object, rows: list[tuple[str, str, tuple[int, ...]]] | None = None, **more: object) -> HubFiles:
    """A crawled model with this config (a dictionary, or text as it is) and these tensors."""
    text = config if isinstance(config, str) else json.dumps(config)
    summary = header(rows) if rows is not None else None
    return HubFiles(**{"model_id": "owner/name", "status": "ok", "source": "hub", "fetched_at": NOW, "config_json": text,
                       "header_summary": summary, **more})  # fmt: skip


def extracted(config: object, rows: list[tuple[str, str, tuple[int, ...]]] | None = None, **more: object) -> Extracted:
    """The extracted model; fails the test when it is refused."""
    result = extract_model(files_of(config, rows, **more))
    assert isinstance(result, Extracted), result
    return result


def architecture(config: object, rows: list[tuple[str, str, tuple[int, ...]]] | None = None, **more: object) -> dict[str, object]:
    """The architectures row; fails the test when the model is refused."""
    return extracted(config, rows, **more).architecture


def refused(config: object, rows: list[tuple[str, str, tuple[int, ...]]] | None = None, **more: object) -> Reject:
    """The reject; fails the test when the model is accepted."""
    result = extract_model(files_of(config, rows, **more))
    assert isinstance(result, Reject), result
    return result
