"""Attention by heads with keys and values of their own: its shape, cache, arithmetic and tensors, for the kinds built on it."""

from __future__ import annotations

from transforms.config.config_fields import FieldError, Fields
from transforms.config.families import biased_parts
from transforms.config.family import Family
from transforms.layers.layer import CACHE_BYTES, Layer, LayerGroup, LayerKind, Shape


class Headed(LayerKind):
    """A kind whose layers have heads and a cache of keys and values of their own, and nothing else."""

    def groups(self, layer: Layer, fields: Fields) -> tuple[LayerGroup, ...]:
        return (cached(layer, self.published),)

    def tensors(self, layer: Layer, fields: Fields, family: Family, hidden: int) -> list[Shape]:
        return projections(fields, family, layer, hidden)

    def key_rows(self, layer: Layer) -> int:
        return layer.kv_heads * layer.head_dim


def with_heads(kind: LayerKind, fields: Fields, hidden: int) -> Layer:
    """A layer of the kind with the model's heads. Raises FieldError when the config gives no heads or none that fit."""
    heads = fields.require("attention_heads")
    head_dim = fields.positive("head_dim") or fields.positive("attention_hidden_size_per_head") or divided(fields, hidden, heads)
    wide = fields.positive("attention_hidden_size")
    if wide and fields.raw("attention_head_dim") is None:
        head_dim = divided(fields, wide, heads)
    value_width = fields.positive("value_head_dim") or head_dim
    return Layer(kind, heads, _kv_heads(fields, heads), head_dim, value_width, fields.positive("sliding_window"))


def divided(fields: Fields, hidden: int, heads: int) -> int:
    """A head's width where the config gives only the whole. Raises FieldError when there are more heads than values."""
    fields.sources.setdefault("head_dim", "derived")
    if heads > hidden:
        raise FieldError("missing_field", f"{heads} attention heads do not divide a hidden size of {hidden}; correct config.json")
    return hidden // heads


def _kv_heads(fields: Fields, heads: int) -> int:
    if fields.raw("multi_query_attention") is False:  # chatglm: the group count is only read with multi_query_attention
        return heads
    if fields.raw("attn_config.attn_type") == "multiquery_attention":
        return 1
    by_switch = fields.has("one_kv_head_unless_stated") and fields.raw("new_decoder_architecture") is not True
    if by_switch and fields.raw("n_head_kv") is None:
        return 1 if fields.flag("multi_query", absent=True) else fields.positive("kv_heads") or heads
    stated = fields.positive("kv_heads")
    if stated is None and fields.flag("multi_query"):
        return 1
    if stated is None:
        fields.sources.setdefault("kv_heads", "derived")
    return stated or heads


def cached(layer: Layer, published: str) -> LayerGroup:
    """Keys and values of one token, and two products of every head with every token of context."""
    flops = 2.0 * layer.heads * (layer.head_dim + layer.value_head_dim)
    return LayerGroup(
        kind=published,
        attention_heads=layer.heads,
        kv_heads=layer.kv_heads,
        head_dim=layer.head_dim,
        value_head_dim=layer.value_head_dim,
        kv_bytes=layer.kv_heads * (layer.head_dim + layer.value_head_dim) * CACHE_BYTES,
        window=layer.window,
        decode_flops=flops,
        prefill_flops=flops,
    )


def projections(
    fields: Fields, family: Family, layer: Layer, hidden: int, keys_stored: bool = True, values_stored: bool = True
) -> list[Shape]:
    """The projections, norms and biases of one attention block, with or without those of keys and values."""
    queries = layer.heads * layer.head_dim
    keys, values = layer.kv_heads * layer.head_dim, layer.kv_heads * layer.value_head_dim
    doubled = 2 if fields.flag("attn_output_gate") else 1
    shapes: list[Shape] = [
        ("self_attn.q_proj.weight", (queries * doubled, hidden)),
        ("self_attn.o_proj.weight", (hidden, layer.heads * layer.value_head_dim)),
    ]
    if fields.raw("use_head_wise_attn_gate") is True or fields.raw("gating") in ("per-head", "per_head"):
        shapes.append(("self_attn.g_proj.weight", (layer.heads, hidden)))
    if keys_stored:
        shapes.append(("self_attn.k_proj.weight", (keys, hidden)))
        if values_stored:
            shapes.append(("self_attn.v_proj.weight", (values, hidden)))
    biased = biased_parts(fields, family)
    if "qkv" in biased:
        shapes += [
            ("self_attn.q_proj.bias", (queries,)),
            ("self_attn.k_proj.bias", (keys,)),
            ("self_attn.v_proj.bias", (values,)),
        ]
    if "output" in biased:
        shapes.append(("self_attn.o_proj.bias", (hidden,)))
    if fields.flag("sinks"):
        shapes.append(("self_attn.sinks", (layer.heads,)))
    return shapes + _head_norms(fields, family, layer)


def _head_norms(fields: Fields, family: Family, layer: Layer) -> list[Shape]:
    norm = family.qk_norm or ("head" if fields.flag("use_qk_norm") or fields.flag("qk_layernorm") else "")
    if norm == "full" or (norm == "head" and fields.has("norm_for_every_head")):
        widths = (layer.heads * layer.head_dim, layer.kv_heads * layer.head_dim)
    else:
        widths = (layer.head_dim, layer.head_dim)
    return [("self_attn.q_norm.weight", widths[:1]), ("self_attn.k_norm.weight", widths[1:])] if norm else []
