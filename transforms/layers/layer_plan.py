"""The layers of a language model one by one: attention, state and feed-forward parts, from its config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from transforms.config.config_fields import LARGEST, FieldError, Fields
from transforms.config.families import Family
from transforms.layers.feed_forward import feed_forward, multiplied_widths
from transforms.layers.layer import Layer
from transforms.layers.layer_kinds import layer_kinds


def plan_layers(fields: Fields, family: Family, sized: bool) -> list[Layer]:
    """Every layer of the model. `sized` says that headers give the sizes, so widths that only sizes need may be missing.

    Raises FieldError when a field that the cache or the compute rests on is missing.
    """
    blocks = fields.raw("block_configs")
    layers = _layer_count(fields)
    if isinstance(blocks, list) and blocks and all(isinstance(block, Mapping) for block in blocks):
        return _from_blocks(fields, blocks[:layers])
    kinds = layer_kinds(fields, family, layers)
    hidden = fields.require("hidden_size")
    base = _attention(fields, hidden, kinds)
    heads = fields.per_layer("num_attention_heads_per_layer", layers) or fields.per_layer("attention_heads", layers)
    kv_heads = fields.per_layer("kv_heads", layers)
    widths = fields.per_layer("intermediate_size", layers) or multiplied_widths(fields, hidden, layers)
    shared_from = layers - (fields.integer("num_kv_shared_layers") or 0)
    plan = []
    for index, kind in enumerate(kinds):
        layer = _of_kind(fields, base, kind)
        if heads and layer.heads:
            layer = replace(layer, heads=heads[index])
        if kv_heads and layer.kv_heads:
            layer = replace(layer, kv_heads=kv_heads[index])
            if kv_heads[index] == 0:
                layer = replace(layer, kind="none", heads=0, head_dim=0, value_head_dim=0)
        if index >= shared_from > 0 or _shares_cache(fields, index):
            layer = replace(layer, kind="shared")
        layer = replace(layer, indexed=_has_index(fields, layer, index))
        plan.append(feed_forward(fields, layer, index, layers, widths, sized))
    if fields.flag("two_blocks"):  # longcat: two attentions and two dense parts around the experts of one layer
        first = [replace(layer, mlp="both" if layer.mlp == "moe" else layer.mlp) for layer in plan]
        second = [replace(layer, mlp="dense", experts=0) for layer in plan]
        return [layer for pair in zip(first, second, strict=True) for layer in pair]
    return plan


def _layer_count(fields: Fields) -> int:
    if fields.positive("layers") is None:
        for key in ("hybrid_override_pattern", "layers_block_type", "layer_types", "block_configs"):
            listed = fields.raw(key)
            if isinstance(listed, list | str) and 0 < len(listed) <= LARGEST["layers"]:
                fields.sources["layers"] = "config"
                return len(listed)
    return fields.require("layers")


def _attention(fields: Fields, hidden: int, kinds: list[str]) -> Layer:
    caching = any(kind in ("full", "sliding", "chunked", "hybrid") for kind in kinds)
    if not caching:
        return Layer("none")
    heads = fields.require("attention_heads")
    latent_rank = fields.positive("kv_lora_rank") if fields.raw("use_mla") is not False else None
    if latent_rank:
        rope, nope = fields.require("qk_rope_head_dim"), fields.require("qk_nope_head_dim")
        return Layer("latent", heads, 1, nope + rope, fields.require("value_head_dim"))
    head_dim = fields.positive("head_dim") or fields.positive("attention_hidden_size_per_head") or _divided(fields, hidden, heads)
    wide = fields.positive("attention_hidden_size")
    if wide and fields.raw("attention_head_dim") is None:
        head_dim = _divided(fields, wide, heads)
    value_width = fields.positive("value_head_dim") or head_dim
    return Layer("full", heads, _kv_heads(fields, heads), head_dim, value_width, fields.positive("sliding_window"))


def _divided(fields: Fields, hidden: int, heads: int) -> int:
    fields.sources.setdefault("head_dim", "derived")
    if heads > hidden:
        raise FieldError("missing_field", f"{heads} attention heads do not divide a hidden size of {hidden}; correct config.json")
    return hidden // heads


def _kv_heads(fields: Fields, heads: int) -> int:
    if fields.raw("multi_query_attention") is False:  # chatglm: the group count is only read with multi_query_attention
        return heads
    if fields.raw("attn_config.attn_type") == "multiquery_attention":
        return 1
    falcon = fields.model_type in ("falcon", "RefinedWeb", "RefinedWebModel")
    if falcon and fields.raw("new_decoder_architecture") is not True and fields.raw("n_head_kv") is None:
        return 1 if fields.flag("multi_query", absent=True) else fields.positive("kv_heads") or heads
    stated = fields.positive("kv_heads")
    if stated is None and fields.flag("multi_query"):
        return 1
    if stated is None:
        fields.sources.setdefault("kv_heads", "derived")
    return stated or heads


def _of_kind(fields: Fields, base: Layer, kind: str) -> Layer:
    if kind in ("mamba", "linear", "short_convolution", "none"):
        return Layer(kind)
    if kind == "hybrid":
        return replace(base, kind="hybrid", window=None)
    if base.kind == "latent":
        return base if kind == "full" else replace(base, window=fields.positive("sliding_window") if kind == "sliding" else None)
    if kind == "chunked":
        return replace(base, kind="chunked", window=fields.positive("attention_chunk_size"))
    if kind == "sliding" or (kind == "full" and fields.positive("attention_window_size")):  # recurrentgemma has no full layer
        return _sliding(fields, base)
    head_dim = fields.positive("global_head_dim") or base.head_dim
    kv_heads = fields.positive("num_global_key_value_heads") or base.kv_heads
    value_width = head_dim if fields.value("global_head_dim") else base.value_head_dim
    return replace(base, head_dim=head_dim, value_head_dim=value_width, kv_heads=kv_heads, window=None)


def _sliding(fields: Fields, base: Layer) -> Layer:
    window = fields.positive("sliding_window") or fields.positive("attention_window_size")
    if window is None:
        raise FieldError("missing_field", "config.json has sliding layers but no sliding_window; add it to the config")
    other = fields.raw("attention_other_setting")  # step 3.5: sliding layers with heads of their own
    other = other if isinstance(other, Mapping) else {}
    heads = fields.positive("swa_num_attention_heads") or _small(other.get("num_attention_heads")) or base.heads
    kv_heads = fields.positive("swa_num_key_value_heads") or _small(other.get("num_attention_groups")) or base.kv_heads
    head_dim = fields.positive("swa_head_dim") or _small(other.get("head_dim")) or base.head_dim
    value_width = fields.positive("swa_v_head_dim") or (base.value_head_dim if head_dim == base.head_dim else head_dim)
    return replace(
        base, kind="sliding", heads=heads, kv_heads=kv_heads, head_dim=head_dim, value_head_dim=value_width, window=window
    )


def _small(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None


def _shares_cache(fields: Fields, index: int) -> bool:
    factor = fields.positive("cla_share_factor")
    return fields.flag("use_cla") and factor is not None and factor > 1 and index % factor != 0


def _has_index(fields: Fields, layer: Layer, index: int) -> bool:
    if layer.kind != "latent" or not fields.positive("index_head_dim"):
        return False
    types = fields.raw("indexer_types")
    return not (isinstance(types, list) and index < len(types) and types[index] == "shared")


def _from_blocks(fields: Fields, blocks: list[Mapping[str, object]]) -> list[Layer]:
    """Nemotron's searched architectures: each block has its own KV heads, window and width, or skips a part."""
    hidden, heads = fields.require("hidden_size"), fields.require("attention_heads")
    head_dim = fields.positive("head_dim") or _divided(fields, hidden, heads)
    plan = []
    for block in blocks:
        attention, ffn = _part(block, "attention"), _part(block, "ffn")
        layer = Layer("none")
        group = _small(attention.get("n_heads_in_group"))
        kv_heads = _small(attention.get("num_key_value_heads")) or (heads // group if group else None)
        window = _small(attention.get("window_length"))
        if not attention.get("no_op") and not attention.get("replace_with_linear") and kv_heads:
            layer = Layer("sliding" if window else "full", heads, kv_heads, head_dim, head_dim, window)
        width = _small(ffn.get("intermediate_size"))
        ratio = ffn.get("ffn_mult")
        if width is None and isinstance(ratio, int | float) and 0 < ratio < 1000:
            width = -(-int(2 * ratio * hidden / 3) // 256) * 256  # the smallest multiple of 256, as in the model's code
        skipped = ffn.get("no_op") or not width
        linear = "linear" if ffn.get("replace_with_linear") else "none" if skipped else "dense"
        plan.append(replace(layer, mlp=linear, intermediate=width or 0))
    return plan


def _part(block: Mapping[str, object], key: str) -> Mapping[str, object]:
    part = block.get(key)
    return part if isinstance(part, Mapping) else {}
