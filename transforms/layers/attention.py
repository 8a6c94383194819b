"""Layers → groups that cache alike: bytes per token, windows, state per sequence, and attention's arithmetic.

Bytes are those of a 16-bit cache (2 per value); the index of sparse attention is kept in fp8 with one scale per vector.
"""

from __future__ import annotations

from collections.abc import Sequence

from transforms.config.config_fields import Fields
from transforms.layers.layer import STATE_KINDS, Layer
from transforms.layers.states import StateBlock, state_block

_CACHE_BYTES = 2
_INDEX_SCALE_BYTES = 4
"""One float32 scale beside each fp8 index vector: 132 bytes for 128 values (measured: 8,052 bytes over 61 layers)."""


def state_blocks(layers: Sequence[Layer], fields: Fields) -> dict[str, StateBlock]:
    """The state blocks that the layers use, by layer kind."""
    hidden = fields.require("hidden_size")
    return {kind: state_block(kind, fields, hidden) for kind in sorted({layer.kind for layer in layers} & STATE_KINDS)}


def layer_groups(layers: Sequence[Layer], fields: Fields, states: dict[str, StateBlock]) -> list[dict[str, object]]:
    """Rows of `layer_groups` without their key, in the order in which their kinds first occur."""
    if fields.model_type.startswith("deepseek_v4"):
        return _numbered(_compressed_groups(fields, len(layers)))
    counts: dict[tuple[object, ...], int] = {}
    for layer in layers:
        identity = (layer.kind, layer.heads, layer.kv_heads, layer.head_dim, layer.value_head_dim, layer.window)
        counts[identity] = counts.get(identity, 0) + 1
    rows = [_row(identity, count, fields, states) for identity, count in counts.items()]
    indexed = sum(layer.indexed for layer in layers)
    if indexed:
        width, heads = fields.require("index_head_dim"), fields.positive("index_n_heads") or 1
        rows.append(_group("sparse_index", indexed, kv_bytes=width + _INDEX_SCALE_BYTES, shards=False, flops=2.0 * heads * width))
    return _numbered(rows)


def _row(identity: tuple[object, ...], count: int, fields: Fields, states: dict[str, StateBlock]) -> dict[str, object]:
    kind, heads, kv_heads, head_dim, value_width, window = identity
    if kind == "latent":
        rank, rope = fields.require("kv_lora_rank"), fields.require("qk_rope_head_dim")
        return _group(
            "latent",
            count,
            kv_bytes=(rank + rope) * _CACHE_BYTES,
            shards=False,
            flops=2.0 * heads * (2 * rank + rope),
            prefill=2.0 * heads * (head_dim + value_width),
            shape=(heads, 1, head_dim, value_width),
            window=window,
        )
    if kind in ("mamba", "linear", "short_convolution"):
        return _group(states[kind].kind, count, state=states[kind].state_bytes)
    if kind == "none":
        return _group("none", count)
    flops = 2.0 * heads * (head_dim + value_width)
    shape = (heads, kv_heads, head_dim, value_width)
    if kind == "shared":
        return _group("shared", count, flops=flops, shape=shape, window=window)
    kv_bytes = kv_heads * (head_dim + value_width) * _CACHE_BYTES
    if kind == "hybrid":  # attention and state side by side in one layer
        return _group("full", count, kv_bytes=kv_bytes, flops=flops, shape=shape, state=states[kind].state_bytes)
    return _group(kind, count, kv_bytes=kv_bytes, flops=flops, shape=shape, window=window)


def _group(
    kind: object,
    layers: int,
    kv_bytes: int = 0,
    flops: float = 0.0,
    prefill: float | None = None,
    state: int = 0,
    window: object = None,
    shape: tuple[object, object, object, object] = (None, None, None, None),
    shards: bool = True,
) -> dict[str, object]:
    return {
        "kind": kind,
        "layers": layers,
        "attention_heads": shape[0],
        "kv_heads": shape[1],
        "head_dim": shape[2],
        "value_head_dim": shape[3],
        "kv_bytes_per_token_per_layer": kv_bytes,
        "window_tokens": window,
        "state_bytes_per_sequence_per_layer": state,
        "shards_with_tp": shards,
        "decode_flops_per_context_token_per_layer": flops,
        "prefill_flops_per_context_token_per_layer": flops if prefill is None else prefill,
    }


def _numbered(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{"layer_group": number, **row} for number, row in enumerate(rows)]


def _compressed_groups(fields: Fields, layers: int) -> list[dict[str, object]]:
    """DeepSeek V4: every layer keeps a window of latent vectors; most also one compressed vector per `ratio` tokens."""
    width, heads = fields.require("head_dim"), fields.require("attention_heads")
    window = fields.require("sliding_window")
    ratios = fields.raw("compress_ratios")
    ratios = [ratio for ratio in ratios if isinstance(ratio, int)] if isinstance(ratios, list) else []
    shape = (heads, 1, width, width)
    rows = [
        _group(
            "sliding", layers, kv_bytes=width * _CACHE_BYTES, flops=4.0 * heads * width, window=window, shards=False, shape=shape
        )
    ]
    for ratio in sorted({ratio for ratio in ratios[:layers] if ratio > 0}):
        count = ratios[:layers].count(ratio)
        kv_bytes = -(-width * _CACHE_BYTES // ratio)
        rows.append(_group("latent", count, kv_bytes=kv_bytes, flops=4.0 * heads * width / ratio, shards=False, shape=shape))
    index = fields.positive("index_head_dim")
    finest = min((ratio for ratio in ratios[:layers] if ratio > 0), default=0)
    if index and finest:
        flops = 2.0 * (fields.positive("index_n_heads") or 1) * index / finest
        kv_bytes = -(-(index + _INDEX_SCALE_BYTES) // finest)
        rows.append(_group("sparse_index", ratios[:layers].count(finest), kv_bytes=kv_bytes, flops=flops, shards=False))
    return rows
