"""What headers say about a model beyond its size: vocabulary, width, whether the config's heads agree with the stored shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from transforms.config_fields import FieldError, Fields
from transforms.derived import derive_tensors
from transforms.families import Family
from transforms.layer_plan import Layer
from transforms.safetensors import HeaderSummary
from transforms.states import StateBlock
from transforms.tensor_patterns import group_of
from transforms.weights import Weights, count_weights

_AGREEMENT = 0.02
"""Largest difference between config and headers at which a model type never seen before is believed."""

_KEY_PROJECTION = re.compile(r"\.(self_attn|attention|attn)\.(k_proj|key|wk)\.weight$")


def header_defaults(summary: HeaderSummary | None) -> dict[str, object]:
    """Vocabulary and width of the embedding, for configs that leave them to the class."""
    if summary is None:
        return {}
    for form in summary.tensors:
        table = len(form.shape) == 2 and group_of(form.template) == "embedding" and "per_layer" not in form.template
        if table and re.search(r"(embed_tokens|wte|word_embeddings|tok_embeddings|embed_in|embeddings)\.weight$", form.template):
            return {"vocab_size": form.shape[0], "hidden_size": form.shape[1]}
    return {}


def confirm(
    fields: Fields,
    family: Family,
    known: bool,
    plan: Sequence[Layer],
    states: Mapping[str, StateBlock],
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
    counted = sum(
        weights.logical(group) for group in ("attention", "dense_mlp", "routed_experts", "shared_experts", "linear_attention")
    )
    forms = derive_tensors(fields, family, plan, dict(states), tied, "BF16")
    expected = count_weights(forms, len(plan), tied, None, False)
    derived = sum(
        expected.logical(group) for group in ("attention", "dense_mlp", "routed_experts", "shared_experts", "linear_attention")
    )
    if not counted or abs(derived - counted) > _AGREEMENT * counted:
        raise FieldError(
            "missing_field",
            f"model type {fields.model_type[:60] or 'unknown'!r} is unknown and its config describes {derived:,} parameters in layers where the "
            f"headers hold {counted:,}; its attention cannot be established without the model's own definition",
        )


def _keys_agree(plan: Sequence[Layer], summary: HeaderSummary) -> bool:
    widths = {layer.kv_heads * layer.head_dim for layer in plan if layer.kind in ("full", "sliding", "chunked")}
    stored = {form.shape[0] for form in summary.tensors if _KEY_PROJECTION.search(form.template) and len(form.shape) == 2}
    return bool(widths) and widths == stored
