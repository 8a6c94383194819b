"""LFM2's gated short convolution: the last few tokens of every channel."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.layers.layer import CONVOLUTION_BYTES, StateBlock
from transforms.layers.states.state_kind import StateKind


class ShortConvolution(StateKind):
    """A convolution between two gates."""

    name = published = "short_convolution"
    words = ("conv",)
    letters = "C"

    def placed(self, fields: Fields, family: Family, layers: int) -> list[str] | None:
        attending = fields.indexes("full_attn_idxs")
        if attending is None:
            return None
        return ["full" if layer in attending else "short_convolution" for layer in range(layers)]

    def block(self, fields: Fields, hidden: int) -> StateBlock:
        kernel = fields.require("conv_L_cache")
        return StateBlock(
            hidden * kernel * CONVOLUTION_BYTES,
            (
                ("in_proj.weight", (3 * hidden, hidden)),
                ("conv.weight", (hidden, 1, kernel)),
                ("out_proj.weight", (hidden, hidden)),
            ),
        )


SHORT_CONVOLUTION = ShortConvolution()
