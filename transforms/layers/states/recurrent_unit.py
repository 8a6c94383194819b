"""RecurrentGemma's gated linear recurrent unit: one value of state a channel, behind a short convolution."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.config.traits import is_one_of
from transforms.layers.layer import CONVOLUTION_BYTES, RECURRENT_BYTES, StateBlock
from transforms.layers.states.state_kind import StateKind


class RecurrentUnit(StateKind):
    """RG-LRU, with gates in one block a head."""

    name = "recurrent_unit"
    published = "linear"
    model_types = ("recurrent_gemma",)
    stands_for = ("linear",)

    def fits(self, fields: Fields) -> bool:
        return fields.positive("lru_width") is not None or is_one_of(fields.model_type, self.model_types)

    def block(self, fields: Fields, hidden: int) -> StateBlock:
        width, kernel = fields.positive("lru_width") or hidden, fields.require("conv_kernel")
        heads = fields.require("attention_heads")
        return StateBlock(
            width * kernel * CONVOLUTION_BYTES + width * RECURRENT_BYTES,
            (
                ("linear_x.weight", (width, hidden)),
                ("linear_y.weight", (width, hidden)),
                ("linear_out.weight", (hidden, width)),
                ("conv1d.weight", (width, 1, kernel)),
                ("input_gate.weight", (heads, width // heads, width // heads)),
                ("recurrent_gate.weight", (heads, width // heads, width // heads)),
                ("recurrent_param", (width,)),
            ),
        )


RECURRENT_UNIT = RecurrentUnit()
