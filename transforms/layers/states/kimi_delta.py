"""Kimi's delta attention: separate convolutions for Q, K and V, gates through a bottleneck of one head's width."""

from __future__ import annotations

from collections.abc import Mapping

from transforms.config.config_fields import FieldError, Fields
from transforms.config.family import Family
from transforms.layers.layer import CONVOLUTION_BYTES, RECURRENT_BYTES, StateBlock
from transforms.layers.states.state_kind import StateKind


class KimiDelta(StateKind):
    """The gated delta rule with a gate for every channel; sizes stand in `linear_attn_config`."""

    name = "kimi_delta"
    published = "gated_delta"
    stands_for = ("linear",)

    def fits(self, fields: Fields) -> bool:
        return isinstance(fields.raw("linear_attn_config"), Mapping)

    def placed(self, fields: Fields, family: Family, layers: int) -> list[str] | None:
        attending = fields.indexes("linear_attn_config.full_attn_layers")  # which counts from one
        if attending is None:
            return None
        return ["full" if layer + 1 in attending else "linear" for layer in range(layers)]

    def block(self, fields: Fields, hidden: int) -> StateBlock:
        sizes: list[int] = []
        for key in ("num_heads", "head_dim", "short_conv_kernel_size"):
            value = fields.raw(f"linear_attn_config.{key}")
            if not isinstance(value, int) or not 0 < value < 2**20:
                raise FieldError(
                    "missing_field", "linear_attn_config lacks num_heads, head_dim or short_conv_kernel_size; add them"
                )
            sizes.append(value)
        heads, width, kernel = sizes
        inner = heads * width
        return StateBlock(
            3 * inner * kernel * CONVOLUTION_BYTES + heads * width * width * RECURRENT_BYTES,
            (
                ("qkv_proj.weight", (3 * inner, hidden)),
                ("qkv_conv1d.weight", (3 * inner, 1, kernel)),
                ("A_log", (heads,)),
                ("dt_bias", (inner,)),
                ("f_a_proj.weight", (width, hidden)),
                ("f_b_proj.weight", (inner, width)),
                ("b_proj.weight", (heads, hidden)),
                ("g_a_proj.weight", (width, hidden)),
                ("g_b_proj.weight", (inner, width)),
                ("o_norm.weight", (width,)),
                ("o_proj.weight", (hidden, inner)),
            ),
        )


KIMI_DELTA = KimiDelta()
