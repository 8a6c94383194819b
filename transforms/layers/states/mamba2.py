"""Mamba 2's state space with heads (Mamba 2, Nemotron-H, Bamba, Granite 4, Zamba 2, Falcon-H1)."""

from __future__ import annotations

from transforms.config.config_fields import FieldError, Fields
from transforms.config.traits import is_one_of
from transforms.layers.layer import CONVOLUTION_BYTES, RECURRENT_BYTES, StateBlock
from transforms.layers.states.state_kind import StateKind

_NEVER = ("zamba", "jamba", "mamba", "falcon_mamba")
"""Types whose blocks are Mamba 1's although their configs may name heads."""


class Mamba2(StateKind):
    """One state matrix a head."""

    name = published = "mamba2"
    model_types = ("mamba2", "nemotron_h", "bamba", "granitemoehybrid", "zamba2", "falcon_h1")
    stands_for = ("mamba1",)

    def fits(self, fields: Fields) -> bool:
        """By the model type, or where the config gives heads or their width."""
        if is_one_of(fields.model_type, _NEVER):
            return False
        keys = ("mamba_num_heads", "mamba_n_heads", "mamba_d_head", "mamba_headdim")
        return is_one_of(fields.model_type, self.model_types) or any(fields.raw(key) for key in keys)

    def block(self, fields: Fields, hidden: int) -> StateBlock:
        return mamba2_block(fields, hidden)


def mamba2_block(fields: Fields, hidden: int) -> StateBlock:
    """State of the convolved channels (inner width and two times groups × state) and of inner width × state.

    Raises FieldError when a size is missing.
    """
    state, kernel, groups = fields.require("state_size"), fields.require("conv_kernel"), fields.require("state_groups")
    heads, width = _stated(fields, "state_heads"), _stated(fields, "state_head_dim")
    if width is not None and width <= 0:
        width = None
    if fields.has("state_heads_under_the_keys_of_attention"):
        width = fields.positive("head_dim") or width
        heads = fields.positive("num_heads") or heads
    inner = fields.positive("state_inner") or round(fields.number("expand", 2) * hidden)
    if fields.has("inner_width_is_heads_times_width") and heads and width:
        inner = heads * width
    heads = heads or (inner // width if width else None)
    if not heads or heads < 0:
        raise FieldError("missing_field", "config.json gives neither mamba_num_heads nor mamba_head_dim; add them to the config")
    channels = inner + 2 * groups * state
    return StateBlock(
        channels * kernel * CONVOLUTION_BYTES + inner * state * RECURRENT_BYTES,
        (
            ("in_proj.weight", (inner + channels + heads, hidden)),
            ("conv1d.weight", (channels, 1, kernel)),
            ("conv1d.bias", (channels,)),
            ("A_log", (heads,)),
            ("D", (heads,)),
            ("dt_bias", (heads,)),
            ("norm.weight", (inner,)),
            ("out_proj.weight", (hidden, inner)),
        ),
    )


def _stated(fields: Fields, feature: str) -> int | None:
    """A whole number under this feature, None for a word such as "auto"."""
    value = fields.value(feature)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


MAMBA2 = Mamba2()
