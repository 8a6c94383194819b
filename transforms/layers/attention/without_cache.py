"""Layers that cache nothing of the text: those that read another layer's cache, those that attend to images, those without."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.layers.attention.heads import projections
from transforms.layers.layer import Layer, LayerGroup, LayerKind, Shape


class Shared(LayerKind):
    """Attention to the cache of an earlier layer (gemma 3n, 4; hunyuan's cross-layer attention)."""

    name = published = "shared"
    borrows_cache = True

    def groups(self, layer: Layer, fields: Fields) -> tuple[LayerGroup, ...]:
        flops = 2.0 * layer.heads * (layer.head_dim + layer.value_head_dim)
        group = LayerGroup(
            kind=self.published,
            attention_heads=layer.heads,
            kv_heads=layer.kv_heads,
            head_dim=layer.head_dim,
            value_head_dim=layer.value_head_dim,
            window=layer.window,
            decode_flops=flops,
            prefill_flops=flops,
        )
        return (group,)

    def tensors(self, layer: Layer, fields: Fields, family: Family, hidden: int) -> list[Shape]:
        return projections(fields, family, layer, hidden, keys_stored=fields.has("layers_without_cache_store_keys"))


class Crossing(LayerKind):
    """Attention to an image's tokens (mllama): its cache does not grow with the text."""

    name = "crossing"
    published = "none"

    def tensors(self, layer: Layer, fields: Fields, family: Family, hidden: int) -> list[Shape]:
        heads, kv_heads = fields.require("attention_heads"), fields.require("kv_heads")
        width = hidden // heads
        return projections(fields, Family(), Layer(self, heads, kv_heads, width, width), hidden)


class Nothing(LayerKind):
    """A layer with a feed-forward part alone."""

    name = published = "none"
    words = ("moe", "mlp", "dense", "sparse", "identity")
    letters = "E-"
    mixes = False


SHARED, CROSSING, NOTHING = Shared(), Crossing(), Nothing()
