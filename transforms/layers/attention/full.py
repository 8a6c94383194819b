"""Attention to the whole context."""

from __future__ import annotations

from dataclasses import replace

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.layers.attention.heads import Headed, projections, with_heads
from transforms.layers.attention.sliding import SLIDING
from transforms.layers.layer import Layer, Shape


class Full(Headed):
    """The kind of every layer of which the config says nothing else."""

    name = published = "full"
    words = ("attention", "full", "global")
    letters = "*"
    flags = (("attn_type_list", 1, "linear"),)  # minimax

    def layer(self, fields: Fields, hidden: int, named: str) -> Layer:
        """Some models give their full layers heads of their own; recurrentgemma has a window in every attention layer."""
        if fields.positive("attention_window_size"):
            return SLIDING.layer(fields, hidden, named)
        base = with_heads(self, fields, hidden)
        head_dim = fields.positive("global_head_dim") or base.head_dim
        kv_heads = fields.positive("num_global_key_value_heads") or base.kv_heads
        value_width = head_dim if fields.value("global_head_dim") else base.value_head_dim
        return replace(base, head_dim=head_dim, value_head_dim=value_width, kv_heads=kv_heads, window=None)

    def tensors(self, layer: Layer, fields: Fields, family: Family, hidden: int) -> list[Shape]:
        """Gemma 4's keys of full layers are also the values (`attention_k_eq_v`)."""
        return projections(fields, family, layer, hidden, values_stored=not fields.flag("attention_k_eq_v"))


FULL = Full()
