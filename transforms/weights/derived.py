"""A config → the tensors that its model has, where no headers say so: closed forms by family, as if read from headers.

The result goes through the same counting as real headers, so groups and totals follow one set of rules.
"""

from __future__ import annotations

from collections.abc import Sequence

from transforms.config.config_fields import Fields
from transforms.config.families import biased_parts
from transforms.config.family import Family
from transforms.layers.layer import Layer, Shape
from transforms.weights.derived_extras import extra_tensors
from transforms.weights.derived_towers import tower_tensors
from transforms.weights.safetensors import TensorForm

Counted = tuple[str, tuple[int, ...], int]
"""A tensor's name within its layer, its shape and how many a layer has."""


def derive_tensors(
    fields: Fields,
    family: Family,
    plan: Sequence[Layer],
    tied: bool,
    dtype: str,
) -> list[TensorForm]:
    """All tensors of the model as forms, in one dtype. Raises FieldError where a size is missing."""
    hidden, vocabulary = fields.require("hidden_size"), fields.require("vocab_size")
    whole: list[Shape] = [("model.embed_tokens.weight", (vocabulary, hidden)), *_norm("model.norm", hidden, family, fields)]
    if not tied:
        whole.append(("lm_head.weight", (vocabulary, hidden)))
        if "head" in family.bias:
            whole.append(("lm_head.bias", (vocabulary,)))
    if family.positions is not None:
        rows = fields.require("max_position_embeddings") + family.positions
        whole.append(("model.embed_positions.weight", (rows, hidden)))
    if fields.flag("embedding_norm"):
        whole += [("model.embed_norm.weight", (hidden,)), ("model.embed_norm.bias", (hidden,))]
    whole += extra_tensors(fields, len(plan))
    for kind in dict.fromkeys(layer.kind for layer in plan):
        whole += kind.model_tensors(fields, len(plan))
    forms = [TensorForm(name, dtype, shape, 1, "") for name, shape in (*whole, *tower_tensors(fields.root, hidden))]
    alike: dict[Layer, list[int]] = {}
    for index, layer in enumerate(plan):
        alike.setdefault(layer, []).append(index)
    mtp = _mtp_layers(fields)
    for layer, indexes in alike.items():
        if mtp and plan and layer == plan[-1]:
            indexes = [*indexes, *range(len(plan), len(plan) + mtp)]
        places = ",".join(map(str, indexes))
        for name, shape, count in _layer(fields, family, layer, hidden):
            forms.append(TensorForm(f"model.layers.*.{name}", dtype, shape, count * len(indexes), places))
    if mtp:
        places = ",".join(str(len(plan) + number) for number in range(mtp))
        forms.append(TensorForm("model.layers.*.eh_proj.weight", dtype, (hidden, 2 * hidden), mtp, places))
    return forms


def _mtp_layers(fields: Fields) -> int:
    return min(fields.integer("mtp_layers") or 0, 16)


def _layer(fields: Fields, family: Family, layer: Layer, hidden: int) -> list[Counted]:
    tensors: list[Shape] = []
    if layer.state is not None:
        tensors += [(f"mamba.{name}", shape) for name, shape in layer.state.tensors]
    shared_block = fields.has("attention_block_is_shared")  # counted once for all its layers, in the extras
    if not shared_block:
        tensors += layer.kind.tensors(layer, fields, family, hidden)
    for number in range(family.norms if layer.mlp != "none" or layer.kind.mixes else 1):
        tensors += _norm(f"norm_{number}", hidden, family, fields)
    counted = [(name, shape, 1) for name, shape in tensors]
    if layer.mlp in ("dense", "both") and layer.intermediate and not shared_block:
        counted += [(name, shape, 1) for name, shape in _mlp("mlp", family, fields, hidden, layer.intermediate)]
    if layer.mlp == "linear":
        counted.append(("mlp.linear.weight", (hidden, hidden), 1))
    if layer.mlp in ("moe", "both"):
        counted += expert_tensors(fields, family, layer, hidden)
    return counted


def expert_tensors(fields: Fields, family: Family, layer: Layer, hidden: int) -> list[Counted]:
    """Router, routed and shared experts of one layer, as (name, shape, how many)."""
    width = fields.positive("moe_intermediate_size")
    if width is None:
        stated = fields.per_layer("intermediate_size", 1)
        width = (stated[0] if stated else fields.positive("intermediate_size")) or layer.intermediate
    latent = fields.positive("moe_latent_size")
    experts = layer.experts
    counted: list[Counted] = [("mlp.gate.weight", (experts, hidden), 1)]
    if (
        fields.flag("router_bias")
        or fields.raw("use_routing_bias") is True
        or fields.raw("moe_router_enable_expert_bias") is True
    ):
        counted.append(("mlp.gate.e_score_correction_bias", (experts,), 1))
    inner = latent or hidden
    counted += [(name, shape, experts) for name, shape in _mlp("mlp.experts.*", family, fields, inner, width)]
    if fields.flag("expert_bias"):
        counted += [
            ("mlp.experts.gate_up_proj_bias", (experts, 2 * width), 1),
            ("mlp.experts.down_proj_bias", (experts, hidden), 1),
        ]
        counted.append(("mlp.router.bias", (experts,), 1))
    if latent:
        counted += [("mlp.fc1_latent_proj.weight", (latent, hidden), 1), ("mlp.fc2_latent_proj.weight", (hidden, latent), 1)]
    shared = _shared_width(fields, width)
    if shared:
        counted += [(name, shape, 1) for name, shape in _mlp("mlp.shared_experts", family, fields, hidden, shared)]
        if fields.has("shared_experts_are_gated"):
            counted.append(("mlp.shared_expert_gate.weight", (1, hidden), 1))
    return counted


def _shared_width(fields: Fields, width: int) -> int:
    stated, count = fields.integer("shared_intermediate_size"), fields.integer("shared_experts") or 0
    if stated is not None:
        return stated * (count if count and fields.has("shared_width_is_of_one_expert") else 1)
    return count * width if fields.raw("use_mixed_mlp_moe") is not False else 0


def _mlp(name: str, family: Family, fields: Fields, hidden: int, width: int) -> list[Shape]:
    gated = family.mlp == "gated"
    shapes: list[Shape] = [(f"{name}.up_proj.weight", (width, hidden)), (f"{name}.down_proj.weight", (hidden, width))]
    if gated:
        shapes.append((f"{name}.gate_proj.weight", (width, hidden)))
    if "mlp" in biased_parts(fields, family):
        shapes += [(f"{name}.up_proj.bias", (width,)), (f"{name}.down_proj.bias", (hidden,))]
        if gated:
            shapes.append((f"{name}.gate_proj.bias", (width,)))
    return shapes


def _norm(name: str, hidden: int, family: Family, fields: Fields) -> list[Shape]:
    if family.norm == "none":
        return []
    shapes: list[Shape] = [(f"{name}_norm.weight", (hidden,))]
    if family.norm == "layer" and family.defaults.get("norm_bias") is not False:
        shapes.append((f"{name}_norm.bias", (hidden,)))
    return shapes
