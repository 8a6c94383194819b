"""Rotary position embeddings: their scaling, and the tables of sines and cosines that an engine computes for them.

Engines compute a table once for every position that the scaling spans, whatever context they serve, and one more for each kind of
layer with rotary parameters of its own (vllm/model_executor/layers/rotary_embedding).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transforms.config.config_fields import Fields, is_number, positive_whole
from transforms.layers.layer import Layer

_MULTIPLYING = ("linear", "dynamic", "ntk", "yarn", "deepseek_yarn")
LONG_ROTARY = ("longrope", "su")
"""Names of LongRoPE."""

_LARGEST_FACTOR = 10_000
_VIDEO_POSITIONS = 4
"""Tables of models that number positions in time, height and width span four times the context: a video's may run ahead of it."""


@dataclass(frozen=True)
class RotaryScaling:
    """The stretching of rotary positions that a config asks for.

    Args:
        kind: default, linear, dynamic, ntk, yarn, deepseek_yarn, longrope, llama3, ...
        factor: by which positions are stretched, where the config names one.
        trained: positions before stretching, where the config names them.
        share: part of a head's width that is turned, where the scaling names it.
        sections: whether positions are numbered in time, height and width.
    """

    kind: str = "default"
    factor: float | None = None
    trained: int | None = None
    share: float | None = None
    sections: bool = False


def rotary_scalings(fields: Fields) -> dict[str, RotaryScaling]:
    """The scaling of each kind of layer, by the config's name of the kind; one entry "all" where layers share it."""
    stated = fields.raw("rope_scaling")
    if not isinstance(stated, Mapping):
        stated = fields.raw("rope_parameters")
    if not isinstance(stated, Mapping):
        return {"all": RotaryScaling()}
    trained = positive_whole(fields.raw("original_max_position_embeddings"))
    kinds = {str(name): part for name, part in stated.items() if isinstance(part, Mapping)}
    if {"rope_type", "type"} & set(stated) or not kinds:
        return {"all": _scaling(stated, trained)}
    return {name: _scaling(part, trained) for name, part in kinds.items()}


def rotary_values(fields: Fields, plan: Sequence[Layer], declared: int) -> int:
    """Sines and cosines in the rotary tables of all kinds of layers, for a declared context in tokens; 0 without attention."""
    widths = {layer.kind: layer.kind.turned_width(layer, fields) for layer in plan if layer.heads}
    if not widths:
        return 0
    scalings = rotary_scalings(fields)
    local = next((width for kind, width in widths.items() if kind.turns_locally), None)
    whole = next((width for kind, width in widths.items() if not kind.turns_locally), local or 0)
    windowed = whole if local is None else local
    if "all" in scalings:
        values = _positions(scalings["all"], declared) * _part(scalings["all"], whole, fields)
        if local is not None and fields.has("windowed_layers_turn_unscaled"):
            values += declared * local
        return values
    return sum(
        _positions(scaling, declared) * _part(scaling, windowed if name.startswith("sliding") else whole, fields)
        for name, scaling in scalings.items()
    )


def _scaling(stated: Mapping[object, object], trained: int | None) -> RotaryScaling:
    factor, share = stated.get("factor"), stated.get("partial_rotary_factor")
    return RotaryScaling(
        kind=str(stated.get("rope_type") or stated.get("type") or "default"),
        factor=float(factor) if is_number(factor) and 0 < factor <= _LARGEST_FACTOR else None,
        trained=positive_whole(stated.get("original_max_position_embeddings")) or trained,
        share=float(share) if is_number(share) and 0 < share <= 1 else None,
        sections="mrope_section" in stated,
    )


def stretched_positions(scaling: RotaryScaling, declared: int) -> int:
    """Positions that a scaling spans: yarn stretches those trained, linear and dynamic scaling those declared; others none.

    longrope, llama3 and mrope configs already declare the stretched length.
    """
    if scaling.kind not in _MULTIPLYING or scaling.factor is None:
        return declared
    trained = scaling.trained if "yarn" in scaling.kind else None
    return max(int((trained or declared) * scaling.factor), 1)


def _positions(scaling: RotaryScaling, declared: int) -> int:
    """Positions of one table: longrope keeps one table for the trained positions beside that for all."""
    if scaling.kind in LONG_ROTARY:
        return declared + (scaling.trained or 0)
    if scaling.sections:
        return _VIDEO_POSITIONS * (scaling.trained or declared)
    return stretched_positions(scaling, declared)


def _part(scaling: RotaryScaling, width: int, fields: Fields) -> int:
    """Width of a head that is turned, under the names that families give it."""
    stated = positive_whole(fields.raw("rotary_dim"))
    if stated is not None:
        return min(stated, width)
    share = scaling.share
    for name in ("partial_rotary_factor", "rotary_pct", "rope_pct"):
        share = share or fields.number(name, 0.0)
    return int(width * share) if share and 0 < share <= 1 else width
