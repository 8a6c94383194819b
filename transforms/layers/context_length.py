"""The context that a model declares, the longest that an engine accepts for it, and the one that it starts with."""

from __future__ import annotations

from transforms.config.config_fields import Fields, positive_whole
from transforms.layers.rotary import LONG_ROTARY, rotary_scalings, stretched_positions

_UNLIMITED = 2**20
"""Context of a model without any limit (state-space models): the longest of the published contexts."""

_LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_sequence_length", "max_seq_length",
            "seq_len")  # fmt: skip
"""Keys of which vLLM takes the least."""


def declared_context(fields: Fields, caching: bool) -> int:
    """The longest context that the config names, in tokens; for models without a cache that grows, the longest published.

    Raises FieldError where a model with attention names none.
    """
    stated = fields.positive("max_position_embeddings")
    if stated is None:
        whole = (positive_whole(fields.root.get(key)) for key in ("max_position_embeddings", "max_sequence_length"))
        stated = next((length for length in whole if length), None)
    if stated is None and caching:
        return fields.require("max_position_embeddings")
    if stated is None:
        fields.sources["max_position_embeddings"] = "derived"
        return _UNLIMITED
    return stated


def longest_context(fields: Fields, declared: int) -> int:
    """The longest context that vLLM may be asked for, in tokens: the one that it derives, stretched as rotary scaling says.

    The least of the keys that name a length, but `model_max_length` before all of them, whatever it says (Command R). Gemma 3
    declares the stretched length although its scaling is linear. Source: vllm/config/model.py, `_get_and_verify_max_len`, 0.11
    to 0.33.
    """
    stated = [length for key in _LENGTHS if (length := positive_whole(fields.raw(key)))]
    derived = positive_whole(fields.raw("model_max_length")) or min(stated, default=declared)
    for scaling in rotary_scalings(fields).values():
        if not fields.has("declares_the_stretched_context") or "yarn" in scaling.kind:
            stretched = stretched_positions(scaling, derived)
            if stretched != derived:
                return stretched
    return derived


def default_context(fields: Fields, longest: int) -> int:
    """The context that vLLM serves unless asked for another, in tokens, for the longest that may be asked for.

    LongRoPE (Phi-3, Phi-4-mini) starts at the length that the model was trained at, where the config names that beside the
    scaling. Source: vllm/config/model.py, `_get_and_verify_max_len`, 0.19 to 0.33.
    """
    if any(scaling.kind in LONG_ROTARY for scaling in rotary_scalings(fields).values()):
        return positive_whole(fields.raw("original_max_position_embeddings")) or longest
    return longest
