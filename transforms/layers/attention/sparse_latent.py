"""Latent attention to the tokens that an index picks (DeepSeek V3.2, GLM-5): a small key a token beside the latent."""

from __future__ import annotations

from dataclasses import replace

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.layers.attention.latent import LATENT, Latent
from transforms.layers.layer import Layer, LayerGroup, Shape

SPARSE_INDEX = "sparse_index"
"""Published kind of the index: it has a cache and arithmetic, but is no layer."""
_SCALE_BYTES = 4
"""One float32 scale beside each fp8 index vector: 132 bytes for 128 values (measured: 8,052 bytes over 61 layers)."""
_LAST = 2**31


def index_group(heads: int, width: int, ratio: int = 1) -> LayerGroup:
    """An index with one fp8 key and its scale for `ratio` tokens, which all its heads score; tensor parallelism copies it."""
    flops = 2.0 * heads * width / ratio
    kv_bytes = -(-(width + _SCALE_BYTES) // ratio)
    return LayerGroup(SPARSE_INDEX, kv_bytes=kv_bytes, shards=False, decode_flops=flops, prefill_flops=flops, place=_LAST)


class SparseLatent(Latent):
    """MLA with an index. Layers whose index is another's (`indexer_types`, GLM-5.2) are plain MLA."""

    name = "sparse_latent"

    def fits(self, fields: Fields) -> bool:
        return LATENT.fits(fields) and fields.positive("index_head_dim") is not None

    def at(self, layer: Layer, fields: Fields, index: int, layers: int) -> Layer:
        types = fields.raw("indexer_types")
        borrowed = isinstance(types, list) and index < len(types) and types[index] == "shared"
        return replace(layer, kind=LATENT) if borrowed else layer

    def groups(self, layer: Layer, fields: Fields) -> tuple[LayerGroup, ...]:
        return (*super().groups(layer, fields), index_group(_heads(fields), fields.require("index_head_dim")))

    def tensors(self, layer: Layer, fields: Fields, family: Family, hidden: int) -> list[Shape]:
        width, heads = fields.require("index_head_dim"), _heads(fields)
        return [
            *super().tensors(layer, fields, family, hidden),
            ("self_attn.indexer.wq_b.weight", (heads * width, fields.positive("q_lora_rank") or hidden)),
            ("self_attn.indexer.wk.weight", (width, hidden)),
            ("self_attn.indexer.weights_proj.weight", (heads, hidden)),
            ("self_attn.indexer.k_norm.weight", (width,)),
            ("self_attn.indexer.k_norm.bias", (width,)),
        ]


def _heads(fields: Fields) -> int:
    return fields.positive("index_n_heads") or 1


SPARSE_LATENT = SparseLatent()
