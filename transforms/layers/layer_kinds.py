"""The kind of every layer of a model, by name, as its config says it.

Configs say it in a dozen ways: a word, a letter or a number per layer, and keys that only models with one kind have (a period and
an offset, lists of indexes, a pattern), which that kind reads itself.
"""

from __future__ import annotations

from transforms.config.config_fields import FieldError, Fields
from transforms.config.family import Family
from transforms.layers.kinds import KINDS

_WORD_KEYS = (
    "layer_types",
    "layers_block_type",
    "block_types",
    "_block_types",
    "attention_layers",
    "mixer_types",
    "layer_type_list",
)
_REPEATING = frozenset({"block_types", "_block_types"})
"""Keys whose words are a pattern that repeats over the layers (recurrentgemma)."""
_WORDS = tuple((word, kind.name) for kind in KINDS for word in kind.words)
_FLAGS = tuple((*flag, kind.name) for kind in KINDS for flag in kind.flags)
_LETTERS = {letter: kind.name for kind in KINDS for letter in kind.letters}


def layer_kinds(fields: Fields, family: Family, layers: int) -> list[str]:
    """The name of every layer's kind, as in `transforms.layers.kinds`.

    Raises FieldError where the config's list of kinds does not cover its layers.
    """
    kinds = _by_words(fields, layers) or _by_pairs(fields, layers) or _by_letters(fields, layers) or _by_flags(fields, layers)
    kinds = kinds or next((placed for kind in KINDS if (placed := kind.placed(fields, family, layers))), ["full"] * layers)
    crossed = fields.indexes("cross_attention_layers") or ()
    return ["crossing" if layer in crossed else kind for layer, kind in enumerate(kinds)]


def _by_words(fields: Fields, layers: int) -> list[str] | None:
    for key in _WORD_KEYS:
        words = fields.strings(key)
        if words is None:
            continue
        if len(words) < layers and key in _REPEATING:
            words = [words[layer % len(words)] for layer in range(layers)]
        if len(words) < layers:
            raise FieldError("missing_field", f"{key} names {len(words)} layers of {layers}; complete it in config.json")
        return [_named(word) for word in words[:layers]]
    return None


def _by_pairs(fields: Fields, layers: int) -> list[str] | None:
    """Words and how often they repeat (gpt-neo): [[["global", "local"], 12]]."""
    pairs = fields.raw("attention_types")
    kinds: list[str] = []
    for pair in pairs[:layers] if isinstance(pairs, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], list) and isinstance(pair[1], int):
            kinds.extend([_named(str(word)) for word in pair[0]][:layers] * min(max(pair[1], 0), layers))
    return kinds[:layers] if len(kinds) >= layers else None


def _by_letters(fields: Fields, layers: int) -> list[str] | None:
    letters = fields.raw("hybrid_override_pattern")
    if not isinstance(letters, str) or not letters:
        return None
    letters = letters.replace("|", "")
    if len(letters) < layers:
        raise FieldError("missing_field", f"hybrid_override_pattern names {len(letters)} layers of {layers}; complete it")
    return [_LETTERS.get(letter, "full") for letter in letters[:layers]]


def _by_flags(fields: Fields, layers: int) -> list[str] | None:
    for key, marking, others, name in _FLAGS:
        flags = fields.raw(key)
        if isinstance(flags, list) and len(flags) >= layers:
            return [name if flag == marking else others for flag in flags[:layers]]
    return None


def _named(word: str) -> str:
    lowered = word.lower()
    return next((kind for part, kind in _WORDS if part in lowered), "full")
