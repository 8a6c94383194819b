"""Mamba's selective state space (Mamba, Falcon Mamba, Jamba, Zamba)."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.config.traits import is_one_of
from transforms.layers.layer import CONVOLUTION_BYTES, RECURRENT_BYTES, StateBlock
from transforms.layers.states.state_kind import StateKind

_STATES_ITS_INNER_WIDTH = ("mamba", "falcon_mamba")
"""Types whose intermediate_size is the block's inner width; others have a feed-forward part of that width."""


class Mamba1(StateKind):
    """One state a channel; also what a config means that says mamba, unless `Mamba2.fits`."""

    name = published = "mamba1"
    words = ("mamba", "ssm")
    letters = "M"
    model_types = ("mamba", "mamba2", "falcon_mamba", "codestral_mamba", "mamba_ssm")

    def placed(self, fields: Fields, family: Family, layers: int) -> list[str] | None:
        attending = fields.indexes("attn_layer_indices")
        if attending is not None:
            return ["full" if layer in attending else "mamba1" for layer in range(layers)]
        period = fields.positive("attn_layer_period")
        if period:
            offset = fields.integer("attn_layer_offset") or 0
            return ["full" if layer % period == offset else "mamba1" for layer in range(layers)]
        return ["mamba1"] * layers if is_one_of(fields.model_type, self.model_types) else None

    def block(self, fields: Fields, hidden: int) -> StateBlock:
        return mamba1_block(fields, hidden)


def mamba1_block(fields: Fields, hidden: int) -> StateBlock:
    """State of inner width × (kernel at 16 bit + state size at 32 bit). Raises FieldError when a size is missing."""
    stated = fields.positive("intermediate_size") if is_one_of(fields.model_type, _STATES_ITS_INNER_WIDTH) else None
    inner = stated or round(fields.number("expand", 2) * hidden)
    state, kernel = fields.require("state_size"), fields.require("conv_kernel")
    given = fields.value("time_step_rank") or fields.value("mamba_dt_rank")
    rank = given if isinstance(given, int) and 0 < given <= hidden else -(-hidden // 16)
    return StateBlock(
        inner * kernel * CONVOLUTION_BYTES + inner * state * RECURRENT_BYTES,
        (
            ("in_proj.weight", (2 * inner, hidden)),
            ("conv1d.weight", (inner, 1, kernel)),
            ("conv1d.bias", (inner,)),
            ("x_proj.weight", (rank + 2 * state, inner)),
            ("dt_proj.weight", (inner, rank)),
            ("dt_proj.bias", (inner,)),
            ("A_log", (inner, state)),
            ("D", (inner,)),
            ("out_proj.weight", (hidden, inner)),
        ),
    )


MAMBA1 = Mamba1()
