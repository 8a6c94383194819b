"""Attention to a window of the last tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from transforms.config.config_fields import FieldError, Fields, small_whole
from transforms.config.family import Family
from transforms.layers.attention.heads import Headed, with_heads
from transforms.layers.layer import Layer


class Sliding(Headed):
    """A window that moves with every token."""

    name = published = "sliding"
    words = ("sliding", "swa", "local")
    letters = "SL"
    flags = (("hybrid_layer_pattern", 1, "full"),)  # mimo v2
    turns_locally = True

    def placed(self, fields: Fields, family: Family, layers: int) -> list[str] | None:
        if fields.positive("sliding_window") is None or fields.flag("use_sliding_window", absent=True) is False:
            return None
        return _by_pattern(fields, family, layers) or _by_family(fields, family, layers)

    def layer(self, fields: Fields, hidden: int, named: str) -> Layer:
        """Step 3.5 and MiMo v2 give their windowed layers heads of their own."""
        base = with_heads(self, fields, hidden)
        window = fields.positive("sliding_window") or fields.positive("attention_window_size")
        if window is None:
            raise FieldError("missing_field", "config.json has sliding layers but no sliding_window; add it to the config")
        stated = fields.raw("attention_other_setting")
        other: Mapping[str, object] = stated if isinstance(stated, Mapping) else {}
        heads = fields.positive("swa_num_attention_heads") or small_whole(other.get("num_attention_heads")) or base.heads
        kv_heads = fields.positive("swa_num_key_value_heads") or small_whole(other.get("num_attention_groups")) or base.kv_heads
        head_dim = fields.positive("swa_head_dim") or small_whole(other.get("head_dim")) or base.head_dim
        value_width = fields.positive("swa_v_head_dim") or (base.value_head_dim if head_dim == base.head_dim else head_dim)
        return replace(base, heads=heads, kv_heads=kv_heads, head_dim=head_dim, value_head_dim=value_width, window=window)


def _by_pattern(fields: Fields, family: Family, layers: int) -> list[str] | None:
    """A pattern of letters (exaone 4: LLLG), of a flag per layer, or every n-th layer full."""
    pattern = fields.value("sliding_window_pattern") or fields.raw("_sliding_window_pattern")
    pattern = pattern or fields.raw("global_attn_every_n_layers") or fields.raw("sliding_window_attn_skip_freq")
    if isinstance(pattern, str) and pattern:
        return ["full" if pattern[layer % len(pattern)].upper() == "G" else "sliding" for layer in range(layers)]
    if isinstance(pattern, list) and len(pattern) >= layers:
        return ["sliding" if flag else "full" for flag in pattern[:layers]]
    every = small_whole(pattern)
    if every and family.window in ("pattern", "keys"):
        return ["sliding" if (layer + 1) % every else "full" for layer in range(layers)]
    return None


def _by_family(fields: Fields, family: Family, layers: int) -> list[str] | None:
    """All layers, even ones, or those from max_window_layers on (qwen); none where the window spans the whole context."""
    limit = fields.positive("max_position_embeddings")
    spans_all = limit is not None and (fields.positive("sliding_window") or 0) >= limit
    if family.window == "even":
        return ["full" if layer % 2 else "sliding" for layer in range(layers)]
    if spans_all:
        return None
    if family.window == "all":
        return ["sliding"] * layers
    if fields.raw("use_sliding_window") is True:
        first = fields.integer("max_window_layers") or 0
        return ["sliding" if layer >= first else "full" for layer in range(layers)]
    return None


SLIDING = Sliding()
