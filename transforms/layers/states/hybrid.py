"""Attention and a state-space block side by side in one layer (Falcon-H1, Hymba, Zamba)."""

from __future__ import annotations

from dataclasses import replace

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.config.traits import is_one_of
from transforms.layers.attention.heads import cached, projections, with_heads
from transforms.layers.layer import Layer, LayerGroup, LayerKind, Shape
from transforms.layers.states.mamba1 import mamba1_block
from transforms.layers.states.mamba2 import MAMBA2, mamba2_block


class Hybrid(LayerKind):
    """Both parts in every layer, or (Zamba) an attention block that joins some of the state-space layers."""

    name = "hybrid"
    published = "full"
    words = ("hybrid",)
    model_types = ("falcon_h1", "hymba")

    def placed(self, fields: Fields, family: Family, layers: int) -> list[str] | None:
        joined = fields.indexes("hybrid_layer_ids")  # zamba: the layers that the attention block joins
        if joined is not None:
            return ["hybrid" if layer in joined else "mamba1" for layer in range(layers)]
        return ["hybrid"] * layers if is_one_of(fields.model_type, self.model_types) else None

    def layer(self, fields: Fields, hidden: int, named: str) -> Layer:
        block = mamba2_block(fields, hidden) if MAMBA2.fits(fields) else mamba1_block(fields, hidden)
        return replace(with_heads(self, fields, hidden), window=None, state=block)

    def groups(self, layer: Layer, fields: Fields) -> tuple[LayerGroup, ...]:
        return (cached(layer, self.published)._replace(state_bytes=layer.state.state_bytes if layer.state else 0),)

    def tensors(self, layer: Layer, fields: Fields, family: Family, hidden: int) -> list[Shape]:
        return projections(fields, family, layer, hidden)


HYBRID = Hybrid()
