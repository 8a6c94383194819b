"""Multi-head latent attention (DeepSeek V2, V3, Kimi K2, …): one low-rank vector a token stands for all keys and values."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.layers.layer import CACHE_BYTES, Layer, LayerGroup, LayerKind, Shape


class Latent(LayerKind):
    """MLA: the latent and the rotary part of the keys are cached, the same on every accelerator of a tensor-parallel group."""

    name = published = "latent"
    stands_for: tuple[str, ...] = ("full", "sliding", "chunked")
    latent = True

    def fits(self, fields: Fields) -> bool:
        return fields.raw("use_mla") is not False and fields.positive("kv_lora_rank") is not None

    def layer(self, fields: Fields, hidden: int, named: str) -> Layer:
        heads = fields.require("attention_heads")
        rope, nope = fields.require("qk_rope_head_dim"), fields.require("qk_nope_head_dim")
        window = fields.positive("sliding_window") if named == "sliding" else None
        return Layer(self, heads, 1, nope + rope, fields.require("value_head_dim"), window)

    def groups(self, layer: Layer, fields: Fields) -> tuple[LayerGroup, ...]:
        """Decoding works on the latent (scores over rank + rotary part, sums over rank); prefill on heads as they are."""
        rank, rope = fields.require("kv_lora_rank"), fields.require("qk_rope_head_dim")
        group = LayerGroup(
            kind=self.published,
            attention_heads=layer.heads,
            kv_heads=1,
            head_dim=layer.head_dim,
            value_head_dim=layer.value_head_dim,
            kv_bytes=(rank + rope) * CACHE_BYTES,
            window=layer.window,
            shards=False,
            decode_flops=2.0 * layer.heads * (2 * rank + rope),
            prefill_flops=2.0 * layer.heads * (layer.head_dim + layer.value_head_dim),
        )
        return (group,)

    def tensors(self, layer: Layer, fields: Fields, family: Family, hidden: int) -> list[Shape]:
        rank, rope = fields.require("kv_lora_rank"), fields.require("qk_rope_head_dim")
        nope, value_width = layer.head_dim - rope, layer.value_head_dim
        queries = layer.heads * layer.head_dim
        query_rank = fields.positive("q_lora_rank")
        shapes: list[Shape] = [
            ("self_attn.kv_a_proj_with_mqa.weight", (rank + rope, hidden)),
            ("self_attn.kv_a_layernorm.weight", (rank,)),
            ("self_attn.kv_b_proj.weight", (layer.heads * (nope + value_width), rank)),
            ("self_attn.o_proj.weight", (hidden, layer.heads * value_width)),
        ]
        if not query_rank:
            return [*shapes, ("self_attn.q_proj.weight", (queries, hidden))]
        return [
            *shapes,
            ("self_attn.q_a_proj.weight", (query_rank, hidden)),
            ("self_attn.q_a_layernorm.weight", (query_rank,)),
            ("self_attn.q_b_proj.weight", (queries, query_rank)),
        ]

    def turned_width(self, layer: Layer, fields: Fields) -> int:
        return fields.require("qk_rope_head_dim")


LATENT = Latent()
