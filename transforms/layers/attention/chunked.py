"""Attention within chunks of the context (Llama 4)."""

from __future__ import annotations

from dataclasses import replace

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.layers.attention.heads import Headed, with_heads
from transforms.layers.layer import Layer


class Chunked(Headed):
    """A window that begins again with every chunk."""

    name = published = "chunked"
    words = ("chunked",)

    def placed(self, fields: Fields, family: Family, layers: int) -> list[str] | None:
        """Layers without rotary embedding see everything: those that `no_rope_layers` marks 0, or every fourth."""
        if family.window != "chunked":
            return None
        if fields.positive("attention_chunk_size") is None:
            return ["full"] * layers
        rotary = fields.raw("no_rope_layers")
        if isinstance(rotary, list) and len(rotary) >= layers:
            return ["chunked" if flag else "full" for flag in rotary[:layers]]
        interval = fields.positive("no_rope_layer_interval") or 4
        return ["chunked" if (layer + 1) % interval else "full" for layer in range(layers)]

    def layer(self, fields: Fields, hidden: int, named: str) -> Layer:
        return replace(with_heads(self, fields, hidden), window=fields.positive("attention_chunk_size"))


CHUNKED = Chunked()
