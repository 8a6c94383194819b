"""Small repositories for a loopback Hub, and clients of it that try again without waiting."""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl
from loopback_hub import LoopbackHub, Repo, safetensors_file

from flows.crawl.journal import TEXTS
from flows.hub.client import Hub, open_hub
from flows.hub.pauses_and_retries import Retries
from flows.lake.lake import Lake, read_table

QUICK = Retries(attempts=8, first_delay_s=0.001, longest_delay_s=0.01)

LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
    "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2, "vocab_size": 256,
    "max_position_embeddings": 2048, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "rms_norm_eps": 1e-5,
}  # fmt: skip


def llama_tensors(layers: int = 2, hidden: int = 64) -> dict[str, tuple[str, list[int]]]:
    """The tensors of the small llama above, 16 bit."""
    tensors = {"model.embed_tokens.weight": ("BF16", [256, hidden]), "lm_head.weight": ("BF16", [256, hidden])}
    for layer in range(layers):
        prefix = f"model.layers.{layer}"
        tensors |= {
            f"{prefix}.self_attn.q_proj.weight": ("BF16", [hidden, hidden]),
            f"{prefix}.self_attn.k_proj.weight": ("BF16", [hidden // 2, hidden]),
            f"{prefix}.self_attn.v_proj.weight": ("BF16", [hidden // 2, hidden]),
            f"{prefix}.self_attn.o_proj.weight": ("BF16", [hidden, hidden]),
            f"{prefix}.mlp.gate_proj.weight": ("BF16", [2 * hidden, hidden]),
            f"{prefix}.mlp.up_proj.weight": ("BF16", [2 * hidden, hidden]),
            f"{prefix}.mlp.down_proj.weight": ("BF16", [hidden, 2 * hidden]),
            f"{prefix}.input_layernorm.weight": ("BF16", [hidden]),
            f"{prefix}.post_attention_layernorm.weight": ("BF16", [hidden]),
        }
    return {**tensors, "model.norm.weight": ("BF16", [hidden])}


def small_repo(config: Mapping[str, object] | None = None, **changes: object) -> Repo:
    """A repository with a small llama in one safetensors file."""
    files = {
        "config.json": json.dumps({**LLAMA, **(config or {})}).encode(),
        "model.safetensors": safetensors_file(llama_tensors()),
    }
    return Repo(**{"files": files, **changes})  # type: ignore[arg-type]


def sharded_repo(shards: int = 2, layers: int = 2, **changes: object) -> Repo:
    """The same llama cut into shards with an index, or one with more layers."""
    names = [f"model-{number:05}-of-{shards:05}.safetensors" for number in range(1, shards + 1)]
    parts: dict[str, dict[str, tuple[str, list[int]]]] = {name: {} for name in names}
    weight_map = {}
    for position, (tensor, form) in enumerate(llama_tensors(layers).items()):
        shard = names[position % shards]
        parts[shard][tensor] = form
        weight_map[tensor] = shard
    files: dict[str, object] = {"config.json": json.dumps(LLAMA).encode()}
    files |= {name: safetensors_file(tensors) for name, tensors in parts.items()}
    files["model.safetensors.index.json"] = json.dumps({"metadata": {}, "weight_map": weight_map}).encode()
    return Repo(**{"files": files, **changes})  # type: ignore[arg-type]


def quick_hub(server: LoopbackHub, token: str | None = None) -> Hub:
    """A client of a loopback Hub that retries at once; without a token unless one is given."""
    return open_hub(server.url, token=token or False, retries=QUICK)


def crawled(lake: Lake) -> pl.DataFrame:
    """`hub_files` with its texts in place of their hashes."""
    frame, texts = read_table(lake, "hub_files"), read_table(lake, "hub_texts")
    assert frame is not None and texts is not None
    for column, name in TEXTS.items():
        frame = frame.join(texts.rename({"text_hash": column, "text": name}), on=column, how="left", maintain_order="left")
    return frame.drop(list(TEXTS))
