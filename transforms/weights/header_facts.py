"""Facts that headers give beyond sizes: vocabulary, width, and whether the config's heads agree with the stored shapes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from transforms.config.config_fields import FieldError, Fields
from transforms.config.family import Family
from transforms.layers.layer import Layer
from transforms.tables.fields import QUANTIZABLE_GROUPS, TENSOR_GROUPS
from transforms.weights.count_weights import Weights, count_weights
from transforms.weights.derived import derive_tensors
from transforms.weights.safetensors import HeaderError, HeaderSummary, layer_numbers
from transforms.weights.tensor_patterns import group_of

_AGREEMENT = 0.02
"""Largest difference between config and headers at which a model type never seen before is believed."""

_LAYER_GROUPS = frozenset({*QUANTIZABLE_GROUPS, "other"})
"""Groups whose tensors make up a layer; `other` for names that no pattern knows."""

_SHOWN_LAYERS = 5

_PROJECTION = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.\*\.(?:self_attn|attention|attn)\.(?:attention\.)?([qk]_proj)\.weight$")
_EMBEDDING = re.compile(r"(embed_tokens|wte|word_embeddings|tok_embeddings|embed_in|embeddings)\.weight$")


def stored_facts(fields: Fields, summary: HeaderSummary) -> dict[str, object]:
    """Features as the stored shapes give them, where they are beyond doubt; they win over the config.

    The embedding gives vocabulary and width. Where all layers have one shape of Q and one of K projections, their rows give
    the head width (with the config's heads) and the KV heads; a config that leaves out its layers gets their number.
    """
    facts: dict[str, object] = {}
    for form in summary.tensors:
        if len(form.shape) == 2 and _EMBEDDING.search(form.template) and group_of(form.template) == "embedding":
            stated = fields.value("hidden_size")
            if stated is None or stated == form.shape[1]:
                facts |= {"vocab_size": form.shape[0], "hidden_size": form.shape[1]}
            break
    rows = _projection_rows(summary)
    heads = fields.positive("attention_heads")
    if heads and len(rows["q_proj"]) == len(rows["k_proj"]) == 1 and not fields.raw("attn_output_gate"):
        facts |= _head_facts(fields, heads, rows["q_proj"].pop(), rows["k_proj"].pop())
    if fields.value("layers") is None:
        numbers = [
            number for form in summary.tensors if _PROJECTION.search(form.template) for number in layer_numbers(form.layers)
        ]
        if numbers:
            facts["layers"] = max(numbers) + 1
    return facts


def _projection_rows(summary: HeaderSummary) -> dict[str, set[int]]:
    rows: dict[str, set[int]] = {"q_proj": set(), "k_proj": set()}
    for form in summary.tensors:
        found = _PROJECTION.search(form.template)
        if (
            found
            and len(form.shape) == 2
            and group_of(form.template) == "attention"
            and form.dtype not in ("U8", "I8", "U32", "I32")
        ):
            rows[found.group(1)].add(form.shape[0])
    return rows


def _head_facts(fields: Fields, heads: int, query_rows: int, key_rows: int) -> dict[str, object]:
    width = fields.positive("head_dim")
    if fields.positive("kv_lora_rank") or query_rows % heads or isinstance(fields.value("attention_heads"), list):
        return {}
    if width is None or query_rows not in (heads * width, 2 * heads * width):
        width = query_rows // heads
    stated = fields.value("kv_heads")
    if key_rows % width or isinstance(stated, list) or stated == key_rows // width:
        return {}
    if stated is None and key_rows == query_rows == heads * width:
        return {}
    return {"kv_heads": key_rows // width, "head_dim": width}


def confirm(
    fields: Fields,
    family: Family,
    known: bool,
    plan: Sequence[Layer],
    tied: bool,
    summary: HeaderSummary,
    weights: Weights,
) -> None:
    """Check that the config describes the stored tensors. Raises FieldError where a type never seen before does not."""
    if known:
        return
    if _keys_agree(plan, summary):
        fields.sources["kv_heads_check"] = "header"
        return
    counted = _text_parameters(weights)
    forms = derive_tensors(fields, family, plan, tied, "BF16")
    derived = _text_parameters(count_weights(forms, len(plan), tied, None, False))
    if not counted or abs(derived - counted) > _AGREEMENT * counted:
        raise FieldError(
            "missing_field",
            f"model type {fields.model_type[:60] or 'unknown'!r} is unknown and its config describes {derived:,} parameters "
            f"where the headers hold {counted:,}; its attention cannot be established without the model's own definition",
        )


def check_layers(plan: Sequence[Layer], stored_layers: int, summary: HeaderSummary) -> None:
    """Check that weights are stored for every layer. An engine does not load a checkpoint without them.

    Args:
        plan: the layers of the config; one that does nothing has no weights.
        stored_layers: layers by which tensors are numbered, fewer than those of the plan where one number holds several.
        summary: the stored tensors.

    Raises HeaderError: no_weights where nothing is stored, incomplete_weights where layers are missing. Tensors that bear no
    numbers at all are believed.
    """
    if not any(form.elements for form in summary.tensors):
        raise HeaderError("the safetensors files hold no tensors; publish the weights", "no_weights")
    stored = {
        number
        for form in summary.tensors
        if form.layers and form.elements and group_of(form.template) in _LAYER_GROUPS
        for number in layer_numbers(form.layers)
    }
    each = len(plan) // stored_layers
    needed = {number // each for number, layer in enumerate(plan) if layer.heads or layer.state or layer.mlp != "none"}
    missing = sorted(needed - stored)
    if stored and missing:
        named = ", ".join(map(str, missing[:_SHOWN_LAYERS])) + (", …" if len(missing) > _SHOWN_LAYERS else "")
        raise HeaderError(
            f"no weights are stored for {len(missing):,} of {stored_layers:,} layers ({named}); publish all shards, or correct "
            "the number of layers in config.json",
            "incomplete_weights",
        )


def _text_parameters(weights: Weights) -> int:
    return weights.logical(*(group for group in TENSOR_GROUPS if group not in ("vision_audio", "mtp")))


def _keys_agree(plan: Sequence[Layer], summary: HeaderSummary) -> bool:
    widths = {rows for layer in plan if (rows := layer.kind.key_rows(layer)) is not None}
    stored = {
        form.shape[0] for form in summary.tensors if (found := _PROJECTION.search(form.template)) and found.group(1) == "k_proj"
    }
    return bool(widths) and widths == stored
