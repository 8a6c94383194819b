"""Gated delta networks (Qwen3-Next, Qwen3.5): one matrix of state for every head of values."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.layers.layer import CONVOLUTION_BYTES, RECURRENT_BYTES, Shape, StateBlock
from transforms.layers.states.state_kind import StateKind


class GatedDelta(StateKind):
    """Linear attention with a gate and the delta rule; Q, K and V share one convolution."""

    name = published = "gated_delta"
    stands_for = ("linear",)

    def fits(self, fields: Fields) -> bool:
        return fields.positive("linear_num_value_heads") is not None

    def placed(self, fields: Fields, family: Family, layers: int) -> list[str] | None:
        interval = fields.positive("full_attention_interval")
        return ["linear" if (layer + 1) % interval else "full" for layer in range(layers)] if interval else None

    def block(self, fields: Fields, hidden: int) -> StateBlock:
        kernel, values = fields.require("linear_conv_kernel_dim"), fields.require("linear_num_value_heads")
        key_width, value_width = fields.require("linear_key_head_dim"), fields.require("linear_value_head_dim")
        keys, value = fields.require("linear_num_key_heads") * key_width, values * value_width
        channels = 2 * keys + value
        projections: tuple[Shape, ...] = (
            ("in_proj_qkvz.weight", (channels + value, hidden)),
            ("in_proj_ba.weight", (2 * values, hidden)),
        )
        if fields.has("four_input_projections"):  # which quantizations tell apart
            projections = (
                ("in_proj_qkv.weight", (channels, hidden)),
                ("in_proj_z.weight", (value, hidden)),
                ("in_proj_b.weight", (values, hidden)),
                ("in_proj_a.weight", (values, hidden)),
            )
        return StateBlock(
            channels * kernel * CONVOLUTION_BYTES + values * key_width * value_width * RECURRENT_BYTES,
            (
                *projections,
                ("conv1d.weight", (channels, 1, kernel)),
                ("A_log", (values,)),
                ("dt_bias", (values,)),
                ("norm.weight", (value_width,)),
                ("out_proj.weight", (hidden, value)),
            ),
        )


GATED_DELTA = GatedDelta()
