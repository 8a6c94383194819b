"""The feed-forward part of every layer: dense or with experts, and its width, from the config."""

from __future__ import annotations

from dataclasses import replace

from transforms.config.config_fields import Fields, is_number, small_whole
from transforms.layers.layer import Layer


def feed_forward(fields: Fields, layer: Layer, index: int, layers: int, widths: list[int] | None, sized: bool) -> Layer:
    """The layer with its feed-forward part. `widths` are those that the config lists per layer, `sized` says that headers
    give the sizes, so a width may be missing. Raises FieldError when one is missing that only the config could give.
    """
    experts = _experts_of(fields, index, layers)
    pattern = fields.raw("hybrid_override_pattern")
    if isinstance(pattern, str) and pattern:
        letter = pattern.replace("|", "")[index]
        if letter not in "E-":
            return replace(layer, mlp="none")
        if letter == "E":
            return replace(layer, mlp="moe", intermediate=_dense_width(fields, sized), experts=experts)
        return replace(layer, mlp="dense", intermediate=_dense_width(fields, sized))
    words = fields.raw("layers_block_type") if fields.has("words_name_the_only_part") else None
    if isinstance(words, list) and index < len(words):
        mlp = {"moe": "moe", "mlp": "dense"}.get(str(words[index]), "none")
        return replace(layer, mlp=mlp, intermediate=_dense_width(fields, sized), experts=experts if mlp == "moe" else 0)
    if fields.has("no_feed_forward"):
        return replace(layer, mlp="none")
    if fields.has("attention_block_is_shared"):  # only that block has one, in the layers that it joins
        joined = layer.heads > 0 and layer.state is not None
        return replace(layer, mlp="dense" if joined else "none", intermediate=_dense_width(fields, sized))
    width = widths[index] if widths else _dense_width(fields, sized)
    if experts and _is_moe(fields, index):
        both = fields.flag("enable_moe_block")  # gemma 4: a dense part beside the experts
        return replace(layer, mlp="both" if both else "moe", intermediate=width, experts=experts)
    if layer.kind.borrows_cache and fields.flag("use_double_wide_mlp"):  # gemma 4
        width *= 2
    return replace(layer, mlp="dense", intermediate=width)


def _experts_of(fields: Fields, index: int, layers: int) -> int:
    each = fields.per_layer("experts", layers)
    experts = each[index] if each else (fields.integer("experts") or 0)
    return experts if experts > 1 else 0


def _dense_width(fields: Fields, sized: bool) -> int:
    width = fields.positive("intermediate_size_mlp") or fields.positive("intermediate_size")
    ratio = fields.number("expansion_ratio", 0)
    if width is None and 0 < ratio < 1000:
        width = round(ratio * fields.require("hidden_size"))
    if width is None and fields.has("feed_forward_is_four_times_the_width"):
        fields.sources.setdefault("intermediate_size", "model_type default")
        width = 4 * fields.require("hidden_size")
    if width is None and (fields.positive("moe_intermediate_size") or sized):
        return fields.positive("moe_intermediate_size") or 0
    if width is None:
        width = fields.require("intermediate_size")
    if fields.flag("half_mlp"):  # qwen 1 states the width of both halves together
        return width // 2
    if fields.has("width_is_adjusted_to_a_multiple") and fields.flag("block_auto_adjust_ff_dim"):
        multiple = fields.positive("block_multiple_of") or 1
        adjusted = int(fields.number("block_ffn_dim_multiplier", 1.0) * int(2 * width / 3))
        return -(-adjusted // multiple) * multiple
    return width


def _is_moe(fields: Fields, index: int) -> bool:
    """True when a layer has experts: by a list, else by a step, a period, or the first and last layer that do."""
    listed = _listed(fields, index)
    if listed is not None:
        return listed
    step = fields.positive("interleave_moe_layer_step") or fields.positive("decoder_sparse_step")
    if step and (index + 1) % step:
        return False
    period = fields.positive("expert_layer_period")
    if period and index % period != (fields.integer("expert_layer_offset") or 0):
        return False
    if index < (fields.integer("dense_layers_first") or fields.integer("moe_layer_num_skipped") or 0):
        return False
    last = fields.raw("moe_layer_end_index")
    if isinstance(last, int) and not isinstance(last, bool) and 0 <= last < index:
        return False
    after = fields.positive("moe_layer_frequency") or fields.positive("moe_layer_interval")  # arctic, ernie: counted from one
    return (index + 1) % after == 0 if after else index % (small_whole(fields.raw("moe_layer_freq")) or 1) == 0


def _listed(fields: Fields, index: int) -> bool | None:
    """True or False as a list of words, layers or flags says; None without such a list."""
    words = fields.raw("mlp_layer_types")
    if isinstance(words, list) and index < len(words):
        return words[index] in ("sparse", "moe")
    layers = fields.raw("moe_layers")
    if isinstance(layers, list):
        return index in layers
    enumerated = fields.raw("moe_layers_enum")
    if isinstance(enumerated, str) and enumerated:
        return str(index) in enumerated.replace(" ", "").split(",")
    flags = fields.raw("moe_layer_freq")
    if isinstance(flags, list) and index < len(flags):
        return bool(flags[index])
    dense = fields.raw("mlp_only_layers")
    return False if isinstance(dense, list) and index in dense else None


def multiplied_widths(fields: Fields, hidden: int, layers: int) -> list[int] | None:
    """OpenELM states a multiplier per layer; widths are rounded to the divisor, never down by more than a tenth."""
    multipliers = fields.raw("ffn_multipliers")
    if not isinstance(multipliers, list) or len(multipliers) < layers:
        return None
    divisor = fields.positive("ffn_dim_divisor") or 1
    widths = []
    for multiplier in multipliers[:layers]:
        if not is_number(multiplier) or not 0 < multiplier < 1000:
            return None
        rounded = max(divisor, int(multiplier * hidden + divisor / 2) // divisor * divisor)
        widths.append(rounded + divisor if rounded < 0.9 * multiplier * hidden else rounded)
    return widths
