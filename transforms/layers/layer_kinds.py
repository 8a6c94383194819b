"""Which layer of a model is of which kind: full or windowed attention, state space, convolution, none.

Configs say it in a dozen ways: a word per layer, a letter per layer, a period and an offset, lists of indexes, a pattern.
"""

from __future__ import annotations

from collections.abc import Mapping

from transforms.config.config_fields import FieldError, Fields
from transforms.config.families import Family

_WORDS: tuple[tuple[str, str], ...] = (
    ("sliding", "sliding"), ("swa", "sliding"), ("local", "sliding"), ("chunked", "chunked"), ("mamba", "mamba"), ("ssm",
    "mamba"),
    ("linear", "linear"), ("recurrent", "linear"), ("delta", "linear"), ("kda", "linear"), ("lightning", "linear"), ("rwkv",
    "linear"),
    ("conv", "short_convolution"), ("hybrid", "hybrid"), ("attention", "full"), ("full", "full"), ("global", "full"), ("moe",
    "none"),
    ("mlp", "none"), ("dense", "none"), ("sparse", "none"), ("identity", "none"),
)  # fmt: skip
_LETTERS = {
    "M": "mamba",
    "*": "full",
    "E": "none",
    "-": "none",
    "G": "linear",
    "S": "sliding",
    "L": "sliding",
    "C": "short_convolution",
}


def layer_kinds(fields: Fields, family: Family, layers: int) -> list[str]:
    """The kind of every layer: full, sliding, chunked, mamba, linear, short_convolution, hybrid (attention and state) or none.

    Raises FieldError where the config's list of kinds does not cover its layers.
    """
    for rule in (_by_words, _by_letters, _by_indexes, _by_period, _by_class):
        kinds = rule(fields, layers)
        if kinds is not None:
            break
    else:
        kinds = _by_window(fields, family, layers)
    crossed = fields.raw("cross_attention_layers")
    if isinstance(crossed, list):
        for layer in crossed:
            if isinstance(layer, int) and 0 <= layer < layers:
                kinds[layer] = "none"  # caches the image's tokens only, not the text's
    return kinds


def _by_words(fields: Fields, layers: int) -> list[str] | None:
    for key in (
        "layer_types",
        "layers_block_type",
        "block_types",
        "_block_types",
        "attention_layers",
        "mixer_types",
        "layer_type_list",
    ):
        words = fields.strings(key)
        if words is None:
            continue
        if len(words) < layers:
            if key.endswith("block_types") and key != "layers_block_type":  # a pattern that repeats (recurrentgemma)
                words = [words[layer % len(words)] for layer in range(layers)]
            else:
                raise FieldError("missing_field", f"{key} names {len(words)} layers of {layers}; complete it in config.json")
        return [_kind(word) for word in words[:layers]]
    types = fields.raw("attention_types")  # gpt-neo: [[["global", "local"], 12]]
    if isinstance(types, list):
        kinds: list[str] = []
        for item in types[:layers]:
            if isinstance(item, list) and len(item) == 2 and isinstance(item[0], list) and isinstance(item[1], int):
                kinds.extend([_kind(str(word)) for word in item[0]][:layers] * min(max(item[1], 0), layers))
        if len(kinds) >= layers:
            return kinds[:layers]
    return None


def _kind(word: str) -> str:
    lowered = word.lower()
    return next((kind for part, kind in _WORDS if part in lowered), "full")


def _by_letters(fields: Fields, layers: int) -> list[str] | None:
    letters = fields.raw("hybrid_override_pattern")
    if isinstance(letters, str) and letters:
        letters = letters.replace("|", "")
        if len(letters) < layers:
            raise FieldError("missing_field", f"hybrid_override_pattern names {len(letters)} layers of {layers}; complete it")
        return [_LETTERS.get(letter, "full") for letter in letters[:layers]]
    flags = fields.raw("attn_type_list")  # minimax: 1 softmax, 0 lightning
    if isinstance(flags, list) and len(flags) >= layers:
        return ["full" if flag == 1 else "linear" for flag in flags[:layers]]
    flags = fields.raw("hybrid_layer_pattern")  # mimo v2: 1 sliding, 0 full
    if isinstance(flags, list) and len(flags) >= layers:
        return ["sliding" if flag == 1 else "full" for flag in flags[:layers]]
    return None


def _by_indexes(fields: Fields, layers: int) -> list[str] | None:
    linear = fields.raw("linear_attn_config")
    if isinstance(linear, Mapping) and isinstance(linear.get("full_attn_layers"), list):  # kimi linear counts from one
        full = {index - 1 for index in linear["full_attn_layers"] if isinstance(index, int)}
        return ["full" if layer in full else "linear" for layer in range(layers)]
    for key, other in (
        ("full_attn_idxs", "short_convolution"),
        ("attn_layer_indices", "mamba"),
        ("full_attention_layers", "linear"),
    ):
        indexes = fields.raw(key)
        if isinstance(indexes, list):
            full = {index for index in indexes if isinstance(index, int)}
            return ["full" if layer in full else other for layer in range(layers)]
    hybrid = fields.raw("hybrid_layer_ids")
    if isinstance(hybrid, list):  # zamba: the shared attention block joins these state-space layers
        joined = {index for index in hybrid if isinstance(index, int)}
        return ["hybrid" if layer in joined else "mamba" for layer in range(layers)]
    return None


def _by_period(fields: Fields, layers: int) -> list[str] | None:
    period = fields.positive("attn_layer_period")
    if period:
        offset = fields.integer("attn_layer_offset") or 0
        return ["full" if layer % period == offset else "mamba" for layer in range(layers)]
    interval = fields.positive("full_attention_interval")
    if interval:
        return ["linear" if (layer + 1) % interval else "full" for layer in range(layers)]
    size = fields.positive("layer_group_size")
    if size and size > 1:  # ling 2.5: the last layer of each group, and a remainder, are softmax
        whole = layers // size * size
        return ["full" if (layer + 1) % size == 0 or layer >= whole else "linear" for layer in range(layers)]
    return None


def _by_class(fields: Fields, layers: int) -> list[str] | None:
    name = fields.model_type
    if name in ("mamba", "mamba2", "falcon_mamba", "codestral_mamba", "mamba_ssm"):
        return ["mamba"] * layers
    if name.startswith("rwkv"):
        return ["linear"] * layers
    if name in ("falcon_h1", "hymba"):
        return ["hybrid"] * layers
    return None


def _by_window(fields: Fields, family: Family, layers: int) -> list[str]:
    if family.window == "chunked":
        return _chunked(fields, layers)
    window = fields.positive("sliding_window")
    if window is None or fields.flag("use_sliding_window", absent=True) is False:
        return ["full"] * layers
    pattern = fields.value("sliding_window_pattern") or fields.raw("_sliding_window_pattern")
    pattern = pattern or fields.raw("global_attn_every_n_layers") or fields.raw("sliding_window_attn_skip_freq")
    if isinstance(pattern, str) and pattern:  # exaone 4: LLLG
        return ["full" if pattern[layer % len(pattern)].upper() == "G" else "sliding" for layer in range(layers)]
    if isinstance(pattern, list) and len(pattern) >= layers:
        return ["sliding" if flag else "full" for flag in pattern[:layers]]
    if isinstance(pattern, int) and not isinstance(pattern, bool) and pattern > 0 and family.window in ("pattern", "keys"):
        return ["sliding" if (layer + 1) % pattern else "full" for layer in range(layers)]
    limit = fields.positive("max_position_embeddings")
    if limit is not None and window >= limit and family.window != "even":
        return ["full"] * layers
    if family.window == "all":
        return ["sliding"] * layers
    if family.window == "even":
        return ["full" if layer % 2 else "sliding" for layer in range(layers)]
    if fields.raw("use_sliding_window") is True:  # qwen: the layers from max_window_layers on
        first = fields.integer("max_window_layers") or 0
        return ["sliding" if layer >= first else "full" for layer in range(layers)]
    return ["full"] * layers


def _chunked(fields: Fields, layers: int) -> list[str]:
    if fields.positive("attention_chunk_size") is None:
        return ["full"] * layers
    rotary = fields.raw("no_rope_layers")
    if isinstance(rotary, list) and len(rotary) >= layers:  # llama 4: layers without rotary embedding see everything
        return ["chunked" if flag else "full" for flag in rotary[:layers]]
    interval = fields.positive("no_rope_layer_interval") or 4
    return ["chunked" if (layer + 1) % interval else "full" for layer in range(layers)]
