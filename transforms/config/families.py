"""The family of a model_type, and what it says of a model."""

from __future__ import annotations

from collections.abc import Mapping

from transforms.config.config_fields import Fields
from transforms.config.family import Family
from transforms.config.family_table import FAMILIES, SAME_AS


def _aliases(text: str) -> dict[str, str]:
    aliases: dict[str, str] = {}
    target = ""
    for word in text.split():
        if word.endswith(":"):
            target = word[:-1]
        else:
            aliases[word] = target
    return aliases


_ALIASES = _aliases(SAME_AS)

_VARIANTS: dict[tuple[str, str], str] = {("chatglm", "inner_hidden_size"): "chatglm_v1"}
"""Families that share a model_type with a later one and are told apart by a key of theirs."""


def family_of(model_type: str, config: Mapping[str, object]) -> tuple[Family, bool]:
    """The family of a model_type and whether it is a known one; unknown types are read by the llama-like general rules."""
    name = next((variant for (shared, key), variant in _VARIANTS.items() if model_type == shared and key in config), model_type)
    for _ in range(3):
        if name in FAMILIES:
            return FAMILIES[name], True
        if name not in _ALIASES:
            break
        name = _ALIASES[name]
    return Family(), False


def biased_parts(fields: Fields, family: Family) -> frozenset[str]:
    """The parts that have biases (as in `transforms.config.family`), by the family and the config's switches."""
    parts = set(family.bias)
    for key, switched in family.bias_keys.items():
        if fields.raw(key) is True:
            parts.update(switched)
        elif fields.raw(key) is False:
            parts.difference_update(switched)
    if fields.raw("no_bias") is True and family.defaults.get("norm_bias") is False:
        return frozenset()
    return frozenset(parts)
