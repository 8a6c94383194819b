"""How long a context a model declares, and how long a one an engine derives from its config."""

from __future__ import annotations

from collections.abc import Mapping

from transforms.config_fields import Fields

_MULTIPLYING = ("linear", "dynamic", "yarn", "deepseek_yarn", "ntk")
_UNLIMITED = 2**20
"""Context of a model without any limit (state-space models): the longest of the published contexts."""


def declared_context(fields: Fields, caching: bool) -> int:
    """The longest context that the config names, in tokens; for models without a cache that grows, the longest published.

    Raises FieldError where a model with attention names none.
    """
    stated = fields.positive("max_position_embeddings")
    if stated is None:
        stated = _whole(fields.root.get("max_position_embeddings")) or _whole(fields.root.get("max_sequence_length"))
    if stated is None and caching:
        return fields.require("max_position_embeddings")
    if stated is None:
        fields.sources["max_position_embeddings"] = "derived"
        return _UNLIMITED
    return stated


def engine_context(fields: Fields, declared: int) -> int:
    """The context that vLLM serves by default: the declared one, times the factor of a rope scaling that stretches it.

    yarn multiplies the context it was trained on; linear and dynamic scaling the declared one; longrope, llama3 and mrope
    configs already declare the stretched length (vllm/config/model.py, `_get_and_verify_max_len`).
    """
    scaling = fields.raw("rope_scaling")
    if not isinstance(scaling, Mapping):
        scaling = fields.raw("rope_parameters")
    if not isinstance(scaling, Mapping):
        return declared
    if not ({"rope_type", "type"} & set(scaling)):
        scaling = next((part for part in scaling.values() if isinstance(part, Mapping) and part.get("factor")), scaling)
    kind = scaling.get("rope_type") or scaling.get("type")
    factor = scaling.get("factor")
    if kind not in _MULTIPLYING or not isinstance(factor, int | float) or isinstance(factor, bool) or not 0 < factor <= 10_000:
        return declared
    if "yarn" in str(kind):
        trained = _whole(scaling.get("original_max_position_embeddings"))
        if trained:
            return max(int(trained * factor), 1)
    if fields.model_type.startswith("gemma3"):
        return declared
    return max(int(declared * factor), 1)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40 else None
