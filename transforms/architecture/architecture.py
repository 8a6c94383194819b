"""Facts about one model → its `architectures` row and key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transforms.config.config_fields import FieldError, Fields
from transforms.config.quantization import Quantization
from transforms.layers.attention import layer_groups
from transforms.layers.context_length import declared_context, engine_context
from transforms.layers.layer import Layer
from transforms.layers.rotary import rotary_values
from transforms.layers.states import StateBlock
from transforms.tables.fields import QUANTIZABLE_GROUPS, TENSOR_GROUPS
from transforms.tables.records import Extracted
from transforms.weights.count_weights import Weights

_DTYPE_NAMES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32", "F64": "float64"}
_NOT_IN_KEY = frozenset({"architecture_key", "architecture_class", "model_type", "sizes_source", "feature_sources"})
_LARGEST_TOTAL = 2**62


@dataclass(frozen=True)
class Facts:
    """All that was established about a model before its row is written."""

    fields: Fields
    plan: Sequence[Layer]
    states: Mapping[str, StateBlock]
    weights: Weights
    quantization: Quantization
    tied: bool
    sizes_source: str
    sources: Mapping[str, str]


def describe(facts: Facts) -> Extracted:
    """The rows of architectures, parameter_groups and layer_groups. Raises FieldError where a total is absurd."""
    groups = layer_groups(facts.plan, facts.fields, dict(facts.states))
    row = {
        **_names(facts),
        **_sizes(facts),
        **_quantization(facts),
        **_structure(facts, groups),
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
    row["architecture_key"] = key = architecture_key(row, parts, groups)
    return Extracted(
        row,
        [{"architecture_key": key, **part} for part in parts],
        [{"architecture_key": key, **group} for group in groups],
    )


def architecture_key(row: Mapping[str, object], parts: object, groups: object) -> str:
    """Hash of every fact that the estimates depend on: a row of architectures, its parameter groups and its layer groups.

    The groups are in their tables' order and without a key; a key in the row is not part of it.
    """
    facts = {column: value for column, value in row.items() if column not in _NOT_IN_KEY}
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
    pairs = [layer.experts for layer in facts.plan if layer.experts and layer.mlp in ("moe", "both")]
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


def _structure(facts: Facts, groups: Sequence[Mapping[str, object]]) -> dict[str, object]:
    fields, plan = facts.fields, facts.plan
    caching = [group for group in groups if group["kv_bytes_per_token_per_layer"] and group["kind"] != "sparse_index"]
    stateful = [group for group in groups if group["state_bytes_per_sequence_per_layer"]]
    latent = sum(layer.kind == "latent" for layer in plan)
    moe = sum(layer.mlp in ("moe", "both") for layer in plan)
    attending = [layer for layer in plan if layer.heads]
    first = max(attending, key=lambda layer: (layer.kv_heads, layer.heads), default=None)
    experts = max((layer.experts for layer in plan if layer.mlp in ("moe", "both")), default=0)
    unbounded = [group for group in caching if group["window_tokens"] is None]
    declared = declared_context(fields, bool(unbounded))
    expert_width = (fields.positive("moe_intermediate_size") or fields.positive("intermediate_size")) if moe else None
    dense = max((layer.intermediate for layer in plan if layer.mlp in ("dense", "both")), default=0)
    return {
        "attention_type": _attention_type(plan, bool(latent)),
        "layers": len(plan),
        "attention_layers": len(plan)
        if fields.model_type.startswith("deepseek_v4")
        else sum(group["layers"] for group in caching),
        "moe_layers": moe,
        "linear_layers": sum(group["layers"] for group in stateful),
        "mla_layers": latent,
        "hidden_size": fields.require("hidden_size"),
        "intermediate_size": dense or expert_width or 0,
        "moe_intermediate_size": expert_width,
        "vocab_size": fields.require("vocab_size"),
        "attention_heads": first.heads if first else None,
        "kv_heads": first.kv_heads if first else None,
        "head_dim": first.head_dim if first else None,
        "value_head_dim": first.value_head_dim if first else None,
        "kv_lora_rank": fields.positive("kv_lora_rank") if latent else None,
        "qk_rope_head_dim": fields.positive("qk_rope_head_dim") if latent else None,
        "experts": experts,
        "experts_per_token": (fields.integer("experts_per_token") or 0) if experts else 0,
        "max_position_embeddings": declared,
        "max_model_len_default": engine_context(fields, declared),
        "rotary_values": rotary_values(fields, plan, declared),
        "kv_bytes_per_token": sum(group["kv_bytes_per_token_per_layer"] * group["layers"] for group in caching),
        "kv_bytes_per_token_unbounded": sum(group["kv_bytes_per_token_per_layer"] * group["layers"] for group in unbounded),
        "state_bytes_per_sequence": sum(group["state_bytes_per_sequence_per_layer"] * group["layers"] for group in stateful),
    }


def _attention_type(plan: Sequence[Layer], latent: bool) -> str:
    if latent:
        return "MLA"
    attending = [layer for layer in plan if layer.heads and layer.kv_heads]
    if not attending:
        return "none"
    if all(layer.kv_heads >= layer.heads for layer in attending):
        return "MHA"
    return "MQA" if all(layer.kv_heads == 1 for layer in attending) else "GQA"
