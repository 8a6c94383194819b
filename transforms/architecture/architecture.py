"""Facts about one model → its `architectures` row and key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transforms.config.config_fields import FieldError, Fields
from transforms.config.quantization import Quantization
from transforms.layers.context_length import declared_context, default_context, longest_context
from transforms.layers.layer import Layer
from transforms.layers.layer_groups import CountedGroup, caching_layers, layer_groups
from transforms.layers.rotary import rotary_values
from transforms.tables.fields import QUANTIZABLE_GROUPS, TENSOR_GROUPS
from transforms.tables.records import Extracted
from transforms.weights.count_weights import Weights

_DTYPE_NAMES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32", "F64": "float64"}
_NOT_IN_KEY = frozenset({"architecture_key", "architecture_class", "model_type", "sizes_source", "feature_sources"})
_LARGEST_TOTAL = 2**62


@dataclass(frozen=True)
class Facts:
    """Everything known about a model before its row is written."""

    fields: Fields
    plan: Sequence[Layer]
    weights: Weights
    quantization: Quantization
    tied: bool
    sizes_source: str
    sources: Mapping[str, str]


def describe(facts: Facts) -> Extracted:
    """The rows of architectures, parameter_groups and layer_groups. Raises FieldError where a total is absurd."""
    counted = layer_groups(facts.plan, facts.fields)
    row: dict[str, object] = {
        **_names(facts),
        **_sizes(facts),
        **_quantization(facts),
        **_attention(facts),
        **_layers(facts, counted),
        **_widths(facts),
        **_context(facts, counted),
        **_cache(counted),
    }
    if any(isinstance(value, int) and abs(value) >= _LARGEST_TOTAL for value in row.values()):
        raise FieldError("over_bound", "the sizes in config.json multiply to more than any real model has; correct config.json")
    parts = [
        {
            "tensor_group": group,
            "dtype": dtype,
            "logical_parameters": weights.logical,
            "linear_parameters": weights.linear,
            "stored_bytes": weights.stored_bytes,
            "loaded_bytes": weights.loaded_bytes,
        }
        for (group, dtype), weights in sorted(facts.weights.groups.items())
    ]
    groups = [group.row(number) for number, group in enumerate(counted)]
    row["architecture_key"] = key = architecture_key(row, parts, groups)
    return Extracted(
        row,
        [{"architecture_key": key, **part} for part in parts],
        [{"architecture_key": key, **group} for group in groups],
    )


def architecture_key(row: Mapping[str, object], parts: object, groups: object) -> str:
    """Hash of every fact that the estimates depend on: a row of architectures, its parameter groups and its layer groups.

    The groups are in their tables' order and without a key; a key in the row is not part of it. A limit of the context that
    equals the default says nothing new and is left out.
    """
    facts = {column: value for column, value in row.items() if column not in _NOT_IN_KEY}
    if facts.get("max_model_len_limit") == facts.get("max_model_len_default"):
        facts.pop("max_model_len_limit", None)
    text = json.dumps([facts, parts, groups], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _names(facts: Facts) -> dict[str, object]:
    return {
        "architecture_class": facts.fields.architecture,
        "model_type": facts.fields.model_type or "unknown",
        "sizes_source": facts.sizes_source,
        "feature_sources": json.dumps(dict(sorted(facts.sources.items()))),
    }


def _sizes(facts: Facts) -> dict[str, object]:
    weights, plan = facts.weights, facts.plan
    logical = {group: weights.logical(group) for group in TENSOR_GROUPS}
    loaded = dict.fromkeys(TENSOR_GROUPS, 0)
    linear = dict.fromkeys(QUANTIZABLE_GROUPS, 0)
    for (group, _), part in weights.groups.items():
        loaded[group] += part.loaded_bytes
        if group in linear:
            linear[group] += part.linear
    total = sum(parameters for group, parameters in logical.items() if group != "mtp")
    text = total - logical["vision_audio"]
    active = text - _unused_experts(facts, logical["routed_experts"])
    head = logical["lm_head"] or (logical["embedding"] and _head_parameters(facts))
    matrices = active - logical["embedding"] - logical["norms"] - logical["lm_head"] + head
    heads = max((layer.heads for layer in plan), default=0)
    fused = 0
    if weights.fused_kv_projection and heads:
        widest = next(layer for layer in plan if layer.heads == heads)
        keys = widest.kv_heads * (widest.head_dim + widest.value_head_dim)
        whole = keys + widest.heads * widest.head_dim
        fused = weights.fused_kv_projection * keys // whole if whole else 0
    return {
        "parameters_total": total,
        "parameters_text": text,
        "parameters_active": active,
        "weights_bytes": sum(part.stored_bytes for part in weights.groups.values()),
        "loaded_weights_bytes": sum(loaded.values()),
        **{f"parameters_{group}": value for group, value in logical.items()},
        **{f"bytes_{group}": value for group, value in loaded.items()},
        **{f"linear_parameters_{group}": value for group, value in linear.items()},
        "parameters_attention_replicated": weights.attention_replicated,
        "parameters_kv_projection": weights.kv_projection + fused,
        "flops_per_token": 2 * max(matrices, 0),
        "tied_embeddings": facts.tied,
    }


def _head_parameters(facts: Facts) -> int:
    return facts.fields.require("vocab_size") * facts.fields.require("hidden_size")


def _unused_experts(facts: Facts, routed: int) -> int:
    """Routed parameters that a token does not use: per layer the share of experts beyond those chosen."""
    pairs = [layer.experts for layer in facts.plan if layer.experts and _has_experts(layer)]
    if not pairs or not routed:
        return 0
    used = facts.fields.integer("experts_per_token") or 0
    if not used:
        return 0
    return routed * sum(max(experts - used, 0) for experts in pairs) // sum(pairs)


def _quantization(facts: Facts) -> dict[str, object]:
    quantization, weights = facts.quantization, facts.weights
    stated = facts.fields.raw("dtype") or facts.fields.raw("torch_dtype") or facts.fields.root.get("torch_dtype")
    stated = stated or facts.fields.root.get("dtype")
    name = str(stated).removeprefix("torch.")[:20] if isinstance(stated, str) else None
    known = name if name in _DTYPE_NAMES.values() else None
    counted = _DTYPE_NAMES.get(weights.dominant_dtype or "")
    return {
        "checkpoint_dtype": known or counted or "float16",
        "quantization_method": quantization.method,
        "quantization_bits": quantization.bits,
        "quantization_group_size": quantization.group_size,
        "quantization_activations": quantization.activations,
        "quantization_format": quantization.format,
        "quantization_ignored": json.dumps(list(quantization.ignored)),
        "kv_cache_scheme": quantization.kv_cache,
    }


def _attention(facts: Facts) -> dict[str, object]:
    """The shape of the layers with the most heads, and MLA's ranks."""
    fields, plan = facts.fields, facts.plan
    attending = [layer for layer in plan if layer.heads]
    widest = max(attending, key=lambda layer: (layer.kv_heads, layer.heads), default=None)
    latent = any(layer.kind.latent for layer in plan)
    return {
        "attention_type": _attention_type(plan, latent),
        "attention_heads": widest.heads if widest else None,
        "kv_heads": widest.kv_heads if widest else None,
        "head_dim": widest.head_dim if widest else None,
        "value_head_dim": widest.value_head_dim if widest else None,
        "kv_lora_rank": fields.positive("kv_lora_rank") if latent else None,
        "qk_rope_head_dim": fields.positive("qk_rope_head_dim") if latent else None,
    }


def _layers(facts: Facts, groups: Sequence[CountedGroup]) -> dict[str, object]:
    """The number of layers of each sort."""
    plan = facts.plan
    return {
        "layers": len(plan),
        "attention_layers": caching_layers(plan, facts.fields),
        "moe_layers": sum(_has_experts(layer) for layer in plan),
        "linear_layers": sum(group.layers for group in groups if group.group.state_bytes),
        "mla_layers": sum(layer.kind.latent for layer in plan),
    }


def _widths(facts: Facts) -> dict[str, object]:
    """The widths of the model and of its feed-forward parts, and its experts."""
    fields, plan = facts.fields, facts.plan
    dense = max((layer.intermediate for layer in plan if layer.mlp in ("dense", "both")), default=0)
    experts = max((layer.experts for layer in plan if _has_experts(layer)), default=0)
    expert_width = None
    if any(_has_experts(layer) for layer in plan):
        expert_width = fields.positive("moe_intermediate_size") or fields.positive("intermediate_size")
    return {
        "hidden_size": fields.require("hidden_size"),
        "intermediate_size": dense or expert_width or 0,
        "moe_intermediate_size": expert_width,
        "vocab_size": fields.require("vocab_size"),
        "experts": experts,
        "experts_per_token": (fields.integer("experts_per_token") or 0) if experts else 0,
    }


def _context(facts: Facts, groups: Sequence[CountedGroup]) -> dict[str, object]:
    """The declared context and what an engine makes of it."""
    grows = any(group.holds_tokens and group.group.window is None for group in groups)
    declared = declared_context(facts.fields, grows)
    longest = longest_context(facts.fields, declared)
    return {
        "max_position_embeddings": declared,
        "max_model_len_default": default_context(facts.fields, longest),
        "max_model_len_limit": longest,
        "rotary_values": rotary_values(facts.fields, facts.plan, declared),
    }


def _cache(groups: Sequence[CountedGroup]) -> dict[str, object]:
    """Bytes of cache for a token and of state for a sequence."""
    caching = [group for group in groups if group.holds_tokens]
    return {
        "kv_bytes_per_token": sum(group.kv_bytes_per_token for group in caching),
        "kv_bytes_per_token_unbounded": sum(group.kv_bytes_per_token for group in caching if group.group.window is None),
        "state_bytes_per_sequence": sum(group.group.state_bytes * group.layers for group in groups),
    }


def _has_experts(layer: Layer) -> bool:
    return layer.mlp in ("moe", "both")


def _attention_type(plan: Sequence[Layer], latent: bool) -> str:
    if latent:
        return "MLA"
    attending = [layer for layer in plan if layer.heads and layer.kv_heads]
    if not attending:
        return "none"
    if all(layer.kv_heads >= layer.heads for layer in attending):
        return "MHA"
    return "MQA" if all(layer.kv_heads == 1 for layer in attending) else "GQA"
