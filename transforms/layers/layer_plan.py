"""The layers of a language model one by one: attention, state and feed-forward parts, from its config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from transforms.config.config_fields import LARGEST, Fields, is_number, small_whole
from transforms.config.family import Family
from transforms.layers.attention.full import FULL
from transforms.layers.attention.heads import divided
from transforms.layers.attention.sliding import SLIDING
from transforms.layers.attention.without_cache import NOTHING, SHARED
from transforms.layers.feed_forward import feed_forward, multiplied_widths
from transforms.layers.kinds import kind_meant
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
    plan = _mixers(fields, family, layers)
    widths = fields.per_layer("intermediate_size", layers) or multiplied_widths(fields, fields.require("hidden_size"), layers)
    plan = [feed_forward(fields, layer, index, layers, widths, sized) for index, layer in enumerate(plan)]
    if fields.flag("two_blocks"):  # longcat: two attentions and two dense parts around the experts of one layer
        first = [replace(layer, mlp="both" if layer.mlp == "moe" else layer.mlp) for layer in plan]
        second = [replace(layer, mlp="dense", experts=0) for layer in plan]
        return [layer for pair in zip(first, second, strict=True) for layer in pair]
    return plan


def _mixers(fields: Fields, family: Family, layers: int) -> list[Layer]:
    """The attention or state of every layer, before its feed-forward part is known."""
    names = layer_kinds(fields, family, layers)
    hidden = fields.require("hidden_size")
    made = {name: kind_meant(name, fields).layer(fields, hidden, name) for name in dict.fromkeys(names)}
    heads = fields.per_layer("num_attention_heads_per_layer", layers) or fields.per_layer("attention_heads", layers)
    kv_heads = fields.per_layer("kv_heads", layers)
    shared_from = layers - (fields.integer("num_kv_shared_layers") or 0)
    plan = []
    for index, name in enumerate(names):
        layer = made[name]
        if heads and layer.heads:
            layer = replace(layer, heads=heads[index])
        if kv_heads and layer.kv_heads:
            layer = replace(layer, kv_heads=kv_heads[index]) if kv_heads[index] else Layer(NOTHING)
        if index >= shared_from > 0 or _shares_cache(fields, index):
            layer = replace(layer, kind=SHARED, state=None)
        plan.append(layer.kind.at(layer, fields, index, layers))
    return plan


def _layer_count(fields: Fields) -> int:
    if fields.positive("layers") is None:
        for key in ("hybrid_override_pattern", "layers_block_type", "layer_types", "block_configs"):
            listed = fields.raw(key)
            if isinstance(listed, list | str) and 0 < len(listed) <= LARGEST["layers"]:
                fields.sources["layers"] = "config"
                return len(listed)
    return fields.require("layers")


def _shares_cache(fields: Fields, index: int) -> bool:
    """Hunyuan's cross-layer attention: only every n-th layer has a cache of its own."""
    factor = fields.positive("cla_share_factor")
    return fields.flag("use_cla") and factor is not None and factor > 1 and index % factor != 0


def _from_blocks(fields: Fields, blocks: list[Mapping[str, object]]) -> list[Layer]:
    """Nemotron's searched architectures: each block has its own KV heads, window and width, or skips a part."""
    hidden, heads = fields.require("hidden_size"), fields.require("attention_heads")
    head_dim = fields.positive("head_dim") or divided(fields, hidden, heads)
    plan = []
    for block in blocks:
        attention, ffn = _part(block, "attention"), _part(block, "ffn")
        layer = Layer(NOTHING)
        group = small_whole(attention.get("n_heads_in_group"))
        kv_heads = small_whole(attention.get("num_key_value_heads")) or (heads // group if group else None)
        window = small_whole(attention.get("window_length"))
        if not attention.get("no_op") and not attention.get("replace_with_linear") and kv_heads:
            layer = Layer(SLIDING if window else FULL, heads, kv_heads, head_dim, head_dim, window)
        width = small_whole(ffn.get("intermediate_size"))
        ratio = ffn.get("ffn_mult")
        if width is None and is_number(ratio) and 0 < ratio < 1000:
            width = -(-int(2 * ratio * hidden / 3) // 256) * 256  # the smallest multiple of 256, as in the model's code
        skipped = ffn.get("no_op") or not width
        linear = "linear" if ffn.get("replace_with_linear") else "none" if skipped else "dense"
        plan.append(replace(layer, mlp=linear, intermediate=width or 0))
    return plan


def _part(block: Mapping[str, object], key: str) -> Mapping[str, object]:
    part = block.get(key)
    return part if isinstance(part, Mapping) else {}
