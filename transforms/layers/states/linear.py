"""Lightning attention (MiniMax 01, Ling linear): Q, K, V and an output gate, one square state per head."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.layers.layer import RECURRENT_BYTES, StateBlock
from transforms.layers.states.state_kind import StateKind


class Linear(StateKind):
    """Also what a config means that says linear or recurrent, unless a kind that stands for it fits."""

    name = published = "linear"
    words = ("linear", "recurrent", "delta", "kda", "lightning", "rwkv")
    letters = "G"

    def placed(self, fields: Fields, family: Family, layers: int) -> list[str] | None:
        attending = fields.indexes("full_attention_layers")
        if attending is not None:
            return ["full" if layer in attending else "linear" for layer in range(layers)]
        size = fields.positive("layer_group_size")
        if size and size > 1:  # ling 2.5: the last layer of each group, and a remainder, are softmax
            whole = layers // size * size
            return ["full" if (layer + 1) % size == 0 or layer >= whole else "linear" for layer in range(layers)]
        return None

    def block(self, fields: Fields, hidden: int) -> StateBlock:
        heads = fields.require("attention_heads")
        width = fields.positive("head_dim") or hidden // heads
        inner = heads * width
        return StateBlock(
            heads * width * width * RECURRENT_BYTES,
            (
                ("qkv_proj.weight", (3 * inner, hidden)),
                ("output_gate.weight", (inner, hidden)),
                ("norm.weight", (inner,)),
                ("out_proj.weight", (hidden, inner)),
            ),
        )


LINEAR = Linear()
