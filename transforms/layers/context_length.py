"""The context that a model declares, and the one that an engine derives from its config."""

from __future__ import annotations

from transforms.config.config_fields import Fields, positive_whole
from transforms.layers.rotary import rotary_scalings, stretched_positions

_UNLIMITED = 2**20
"""Context of a model without any limit (state-space models): the longest of the published contexts."""


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


def engine_context(fields: Fields, declared: int) -> int:
    """The context that vLLM serves by default: the declared one, stretched as its rotary scaling says.

    Gemma 3 declares the stretched length although its scaling is linear (vllm/config/model.py, `_get_and_verify_max_len`).
    """
    for scaling in rotary_scalings(fields).values():
        if not fields.has("declares_the_stretched_context") or "yarn" in scaling.kind:
            stretched = stretched_positions(scaling, declared)
            if stretched != declared:
                return stretched
    return declared
