"""A config → the tensors that its model has, where no headers say so: closed forms by family, as if read from headers.

The result goes through the same counting as real headers, so groups and totals follow one set of rules.
"""

from __future__ import annotations

from collections.abc import Sequence

from transforms.config.config_fields import Fields
from transforms.config.families import Family
from transforms.layers.layer import Layer
from transforms.layers.states import Shape, StateBlock
from transforms.weights.derived_extras import extra_tensors
from transforms.weights.derived_towers import tower_tensors
from transforms.weights.safetensors import TensorForm

_ATTENTION_KINDS = frozenset({"full", "sliding", "chunked", "latent", "shared", "hybrid"})


def derive_tensors(
    fields: Fields,
    family: Family,
    plan: Sequence[Layer],
    states: dict[str, StateBlock],
    tied: bool,
    dtype: str,
) -> list[TensorForm]:
    """All tensors of the model as forms, in one dtype. Raises FieldError where a size is missing."""
    hidden, vocabulary = fields.require("hidden_size"), fields.require("vocab_size")
    whole: list[Shape] = [("model.embed_tokens.weight", (vocabulary, hidden)), *_norm("model.norm", hidden, family, fields)]
    if not tied:
        whole.append(("lm_head.weight", (vocabulary, hidden)))
        if "h" in family.bias:
            whole.append(("lm_head.bias", (vocabulary,)))
    if family.positions is not None:
        rows = fields.require("max_position_embeddings") + family.positions
        whole.append(("model.embed_positions.weight", (rows, hidden)))
    if fields.flag("embedding_norm"):
        whole += [("model.embed_norm.weight", (hidden,)), ("model.embed_norm.bias", (hidden,))]
    whole += extra_tensors(fields, len(plan))
    forms = [TensorForm(name, dtype, shape, 1, "") for name, shape in (*whole, *tower_tensors(fields.root, hidden))]
    alike: dict[Layer, list[int]] = {}
    for index, layer in enumerate(plan):
        alike.setdefault(layer, []).append(index)
    mtp = _mtp_layers(fields)
    for layer, indexes in alike.items():
        if mtp and plan and layer == plan[-1]:
            indexes = [*indexes, *range(len(plan), len(plan) + mtp)]
        places = ",".join(map(str, indexes))
        for name, shape, count in _layer(fields, family, layer, hidden, states):
            forms.append(TensorForm(f"model.layers.*.{name}", dtype, shape, count * len(indexes), places))
    if mtp:
        places = ",".join(str(len(plan) + number) for number in range(mtp))
        forms.append(TensorForm("model.layers.*.eh_proj.weight", dtype, (hidden, 2 * hidden), mtp, places))
    return forms


def _mtp_layers(fields: Fields) -> int:
    return min(fields.integer("mtp_layers") or 0, 16)


def _layer(
    fields: Fields, family: Family, layer: Layer, hidden: int, states: dict[str, StateBlock]
) -> list[tuple[str, tuple[int, ...], int]]:
    tensors: list[Shape] = []
    if layer.kind in states:
        tensors += [(f"mamba.{name}", shape) for name, shape in states[layer.kind].tensors]
    once = fields.model_type in ("zamba", "zamba2")  # the attention block is shared by all hybrid layers
    if layer.kind in _ATTENTION_KINDS and not once:
        tensors += attention_tensors(fields, family, layer, hidden)
    elif layer.kind == "none" and isinstance(fields.raw("cross_attention_layers"), list):
        crossing = Layer("full", fields.require("attention_heads"), fields.require("kv_heads"))
        width = hidden // crossing.heads
        crossing = Layer("full", crossing.heads, crossing.kv_heads, width, width)
        tensors += attention_tensors(fields, Family(), crossing, hidden)
    for number in range(family.norms if layer.mlp != "none" or layer.kind != "none" else 1):
        tensors += _norm(f"norm_{number}", hidden, family, fields)
    counted = [(name, shape, 1) for name, shape in tensors]
    if layer.mlp in ("dense", "both") and layer.intermediate and not once:
        counted += [(name, shape, 1) for name, shape in _mlp("mlp", family, fields, hidden, layer.intermediate)]
    if layer.mlp == "linear":
        counted.append(("mlp.linear.weight", (hidden, hidden), 1))
    if layer.mlp in ("moe", "both"):
        counted += expert_tensors(fields, family, layer, hidden)
    return counted


def attention_tensors(fields: Fields, family: Family, layer: Layer, hidden: int) -> list[Shape]:
    """The projections, norms and biases of one attention block."""
    if layer.kind == "latent":
        return _latent(fields, layer, hidden)
    if fields.model_type.startswith("deepseek_v4"):
        return []
    queries = layer.heads * layer.head_dim
    keys, values = layer.kv_heads * layer.head_dim, layer.kv_heads * layer.value_head_dim
    doubled = 2 if fields.flag("attn_output_gate") else 1
    shapes: list[Shape] = [
        ("self_attn.q_proj.weight", (queries * doubled, hidden)),
        ("self_attn.o_proj.weight", (hidden, layer.heads * layer.value_head_dim)),
    ]
    if fields.raw("use_head_wise_attn_gate") is True or fields.raw("gating") in ("per-head", "per_head"):
        shapes.append(("self_attn.g_proj.weight", (layer.heads, hidden)))
    one_projection = fields.flag("attention_k_eq_v") and layer.kind == "full"  # gemma 4: keys are also the values
    if layer.kind != "shared" or fields.model_type.startswith("gemma3n"):
        shapes.append(("self_attn.k_proj.weight", (keys, hidden)))
        if not one_projection:
            shapes.append(("self_attn.v_proj.weight", (values, hidden)))
    biased = biased_parts(fields, family)
    if "q" in biased:
        shapes += [
            ("self_attn.q_proj.bias", (queries,)),
            ("self_attn.k_proj.bias", (keys,)),
            ("self_attn.v_proj.bias", (values,)),
        ]
    if "o" in biased:
        shapes.append(("self_attn.o_proj.bias", (hidden,)))
    if fields.flag("sinks"):
        shapes.append(("self_attn.sinks", (layer.heads,)))
    norm = family.qk_norm or ("head" if fields.flag("use_qk_norm") or fields.flag("qk_layernorm") else "")
    if norm == "head" and fields.model_type.startswith("cohere"):  # a norm of its own for every head
        norm = "full"
    if norm == "full":
        shapes += [("self_attn.q_norm.weight", (queries,)), ("self_attn.k_norm.weight", (keys,))]
    elif norm:
        shapes += [("self_attn.q_norm.weight", (layer.head_dim,)), ("self_attn.k_norm.weight", (layer.head_dim,))]
    return shapes


def biased_parts(fields: Fields, family: Family) -> str:
    """Which projections have a bias: q (Q, K and V), o, m (feed-forward), by the family and the config's switches."""
    parts = family.bias
    for entry in family.bias_keys:
        key, _, letters = entry.partition(":")
        if fields.raw(key) is True:
            parts += letters
        elif fields.raw(key) is False:
            parts = "".join(part for part in parts if part not in letters)
    if fields.raw("no_bias") is True and family.defaults.get("norm_bias") is False:
        parts = ""
    return parts


def _latent(fields: Fields, layer: Layer, hidden: int) -> list[Shape]:
    rank, rope = fields.require("kv_lora_rank"), fields.require("qk_rope_head_dim")
    nope, value_width = layer.head_dim - rope, layer.value_head_dim
    queries = layer.heads * layer.head_dim
    query_rank = fields.positive("q_lora_rank")
    shapes: list[Shape] = [
        ("self_attn.kv_a_proj_with_mqa.weight", (rank + rope, hidden)),
        ("self_attn.kv_a_layernorm.weight", (rank,)),
        ("self_attn.kv_b_proj.weight", (layer.heads * (nope + value_width), rank)),
        ("self_attn.o_proj.weight", (hidden, layer.heads * value_width)),
    ]
    if query_rank:
        shapes += [
            ("self_attn.q_a_proj.weight", (query_rank, hidden)),
            ("self_attn.q_a_layernorm.weight", (query_rank,)),
            ("self_attn.q_b_proj.weight", (queries, query_rank)),
        ]
    else:
        shapes.append(("self_attn.q_proj.weight", (queries, hidden)))
    if layer.indexed:
        width, heads = fields.require("index_head_dim"), fields.positive("index_n_heads") or 1
        shapes += [
            ("self_attn.indexer.wq_b.weight", (heads * width, query_rank or hidden)),
            ("self_attn.indexer.wk.weight", (width, hidden)),
            ("self_attn.indexer.weights_proj.weight", (heads, hidden)),
            ("self_attn.indexer.k_norm.weight", (width,)),
            ("self_attn.indexer.k_norm.bias", (width,)),
        ]
    return shapes


def expert_tensors(fields: Fields, family: Family, layer: Layer, hidden: int) -> list[tuple[str, tuple[int, ...], int]]:
    """Router, routed and shared experts of one layer, as (name, shape, how many)."""
    width = fields.positive("moe_intermediate_size")
    if width is None:
        stated = fields.per_layer("intermediate_size", 1)
        width = (stated[0] if stated else fields.positive("intermediate_size")) or layer.intermediate
    latent = fields.positive("moe_latent_size")
    experts = layer.experts
    counted: list[tuple[str, tuple[int, ...], int]] = [("mlp.gate.weight", (experts, hidden), 1)]
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
        if fields.model_type.startswith(("qwen2_moe", "qwen3_next", "qwen3_5")):
            counted.append(("mlp.shared_expert_gate.weight", (1, hidden), 1))
    return counted


def _shared_width(fields: Fields, width: int) -> int:
    stated, count = fields.integer("shared_intermediate_size"), fields.integer("shared_experts") or 0
    if stated is not None:
        return stated * (count if fields.model_type == "nemotron_h" and count else 1)
    return count * width if fields.raw("use_mixed_mlp_moe") is not False else 0


def _mlp(name: str, family: Family, fields: Fields, hidden: int, width: int) -> list[Shape]:
    gated = family.mlp == "gated"
    shapes: list[Shape] = [(f"{name}.up_proj.weight", (width, hidden)), (f"{name}.down_proj.weight", (hidden, width))]
    if gated:
        shapes.append((f"{name}.gate_proj.weight", (width, hidden)))
    if "m" in biased_parts(fields, family):
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
