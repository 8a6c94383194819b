"""RWKV's time mixing: the last token of two mixers, and one square state per head."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.config.traits import is_one_of
from transforms.layers.layer import CONVOLUTION_BYTES, RECURRENT_BYTES, StateBlock
from transforms.layers.states.state_kind import StateKind

_HEAD_WIDTH = 64


class Rwkv(StateKind):
    """RWKV 5 and later; version 4 keeps less."""

    name = "rwkv"
    published = "linear"
    model_types = ("rwkv*",)
    stands_for = ("linear",)

    def fits(self, fields: Fields) -> bool:
        return is_one_of(fields.model_type, self.model_types)

    def placed(self, fields: Fields, family: Family, layers: int) -> list[str] | None:
        return ["linear"] * layers if self.fits(fields) else None

    def block(self, fields: Fields, hidden: int) -> StateBlock:
        width = fields.positive("head_size") or fields.positive("head_dim") or _HEAD_WIDTH
        return StateBlock(
            2 * hidden * CONVOLUTION_BYTES + hidden * width * RECURRENT_BYTES,
            tuple((f"{name}.weight", (hidden, hidden)) for name in ("receptance", "key", "value", "gate", "output")),
        )


RWKV = Rwkv()
