"""DeepSeek V4's attention: a window of latent vectors, and one compressed vector for `ratio` tokens of all that lies before."""

from __future__ import annotations

from dataclasses import replace

from transforms.config.config_fields import Fields
from transforms.config.traits import is_one_of
from transforms.layers.attention.full import FULL
from transforms.layers.attention.sparse_latent import index_group
from transforms.layers.layer import CACHE_BYTES, Layer, LayerGroup, LayerKind, Shape

_OVERLAPPING_BELOW = 8
"""Compressors of finer ratios than this have windows that overlap (twice the width) and an index over their vectors."""


class Compressed(LayerKind):
    """Every layer keeps the window; `compress_ratios` says how much each compresses, 0 where it keeps nothing else.

    One vector is key and value of all heads, so nothing is divided by tensor parallelism. Layers of the finest ratio keep
    an index over their compressed vectors.
    """

    name = published = "compressed"
    model_types = ("deepseek_v4*",)
    stands_for = ("full", "sliding", "chunked")

    def fits(self, fields: Fields) -> bool:
        return is_one_of(fields.model_type, self.model_types)

    def layer(self, fields: Fields, hidden: int, named: str) -> Layer:
        base = FULL.layer(fields, hidden, named)
        return replace(base, kind=self, head_dim=fields.require("head_dim"), window=fields.require("sliding_window"))

    def at(self, layer: Layer, fields: Fields, index: int, layers: int) -> Layer:
        ratios = _ratios(fields, layers)
        ratio = ratios[index] if index < len(ratios) else 0
        finest = min((ratio for ratio in ratios if ratio), default=0)
        return replace(layer, ratio=ratio, indexed=ratio > 0 and ratio == finest)

    def groups(self, layer: Layer, fields: Fields) -> tuple[LayerGroup, ...]:
        width, flops = layer.head_dim, 4.0 * layer.heads * layer.head_dim
        window = LayerGroup(
            kind="sliding",
            attention_heads=layer.heads,
            kv_heads=1,
            head_dim=width,
            value_head_dim=width,
            kv_bytes=width * CACHE_BYTES,
            window=layer.window,
            shards=False,
            decode_flops=flops,
            prefill_flops=flops,
        )
        if not layer.ratio:
            return (window,)
        kv_bytes, flops = -(-width * CACHE_BYTES // layer.ratio), flops / layer.ratio
        compressed = window._replace(
            kind="latent", kv_bytes=kv_bytes, window=None, decode_flops=flops, prefill_flops=flops, place=layer.ratio
        )
        index = fields.positive("index_head_dim")
        if not layer.indexed or not index:
            return window, compressed
        return window, compressed, index_group(fields.positive("index_n_heads") or 1, index, layer.ratio)

    def model_tensors(self, fields: Fields, layers: int) -> list[Shape]:
        """Low-rank queries and outputs, one latent for K and V, compressors, an index, hyper-connections."""
        hidden, width, heads = fields.require("hidden_size"), fields.require("head_dim"), fields.require("attention_heads")
        query_rank, out_rank = fields.require("q_lora_rank"), fields.require("o_lora_rank")
        groups = fields.require("o_groups")
        index_heads, index_width = fields.require("index_n_heads"), fields.require("index_head_dim")
        ratios = _ratios(fields, layers)
        overlapping = sum(0 < ratio < _OVERLAPPING_BELOW for ratio in ratios)
        plain = sum(ratio >= _OVERLAPPING_BELOW for ratio in ratios)
        coarse = max((ratio for ratio in ratios if _OVERLAPPING_BELOW <= ratio < 2**20), default=0)
        streams = fields.positive("hc_mult") or 1
        mixing = (2 + streams) * streams
        connection = mixing * streams * hidden + mixing + 3
        return [
            ("model.layers.self_attn.wq_a.weight", (layers * query_rank, hidden)),
            ("model.layers.self_attn.wq_b.weight", (layers * heads * width, query_rank)),
            ("model.layers.self_attn.wkv.weight", (layers * width, hidden)),
            ("model.layers.self_attn.wo_a.weight", (layers * groups * out_rank, heads * width // groups)),
            ("model.layers.self_attn.wo_b.weight", (layers * hidden, groups * out_rank)),
            ("model.layers.self_attn.compressor.wkv.weight", ((overlapping * 4 + plain * 2) * width, hidden)),
            ("model.layers.self_attn.compressor.ape", (overlapping * 8 + plain * coarse, width)),
            ("model.layers.self_attn.indexer.wq_b.weight", (overlapping * index_heads * index_width, query_rank)),
            ("model.layers.self_attn.indexer.weights_proj.weight", (overlapping * index_heads, hidden)),
            ("model.layers.self_attn.indexer.compressor.wkv.weight", (overlapping * 4 * index_width, hidden)),
            ("model.layers.self_attn.indexer.compressor.ape", (overlapping * 8, index_width)),
            ("model.layers.self_attn.sinks", (layers, heads)),
            ("model.layers.hc_attn_fn", (layers, connection)),
            ("model.layers.hc_ffn_fn", (layers, connection)),
            ("model.hc_head_fn", (streams * streams * hidden + streams + 1,)),
            ("model.layers.self_attn.q_norm.weight", (layers, query_rank + width)),
        ]


def _ratios(fields: Fields, layers: int) -> list[int]:
    stated = fields.raw("compress_ratios")
    ratios = stated[:layers] if isinstance(stated, list) else []
    return [ratio if isinstance(ratio, int) and ratio > 0 else 0 for ratio in ratios]


COMPRESSED = Compressed()
