"""Tensors that only one family has, as closed forms of its config: per-layer embeddings, shared blocks."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.layers.layer import Shape


def extra_tensors(fields: Fields, layers: int) -> list[Shape]:
    """The family's own tensors beyond embedding, attention, feed-forward and norms, over all layers."""
    shapes: list[Shape] = []
    if fields.has("per_layer_inputs"):
        shapes += _per_layer_inputs(fields, layers)
    if fields.has("alternating_updates"):
        shapes += _alternating_updates(fields, layers)
    if fields.has("shared_blocks_with_adapters"):
        shapes += _shared_blocks(fields, layers)
    if fields.has("shared_block_of_twice_the_width"):
        shapes += _shared_block(fields)
    if fields.has("projected_embedding"):
        shapes += _projected_embedding(fields)
    if fields.has("residual_feed_forward"):
        shapes += _residual_mlp(fields, layers)
    return shapes


def _per_layer_inputs(fields: Fields, layers: int) -> list[Shape]:
    hidden, width = fields.require("hidden_size"), fields.positive("hidden_size_per_layer_input")
    if not width:
        return []
    rows = fields.positive("vocab_size_per_layer_input") or fields.require("vocab_size")
    return [
        ("model.embed_tokens_per_layer.weight", (rows, layers * width)),
        ("model.per_layer_model_projection.weight", (layers * width, hidden)),
        ("model.layers.per_layer_input_gate.weight", (layers * width, hidden)),
        ("model.layers.per_layer_projection.weight", (layers * hidden, width)),
    ]


def _alternating_updates(fields: Fields, layers: int) -> list[Shape]:
    """Gemma 3n: several residual streams of which a layer updates one and predicts the others, and low-rank residuals."""
    hidden, streams = fields.require("hidden_size"), fields.positive("altup_num_inputs")
    if not streams:
        return []
    rank = fields.positive("laurel_rank") or 0
    return [
        ("model.altup.projections.weight", (2 * (streams - 1), hidden, hidden)),
        ("model.altup.coefs.weight", (layers, streams * (hidden + streams * streams + streams))),
        ("model.laurel.linear.weight", (2 * layers * rank, hidden)),
    ]


def _shared_blocks(fields: Fields, layers: int) -> list[Shape]:
    """Zamba 2: a few transformer blocks over twice the width, shared by all hybrid layers, with an adapter for each."""
    hidden, blocks = fields.require("hidden_size"), fields.positive("num_mem_blocks") or 1
    heads, width = fields.require("attention_heads"), fields.require("intermediate_size")
    inner = heads * (fields.positive("attention_head_dim") or 2 * hidden // heads)
    joined = fields.raw("hybrid_layer_ids") or fields.raw("layers_block_type")
    uses = sum(item == "hybrid" or isinstance(item, int) for item in joined[:layers]) if isinstance(joined, list) else 0
    rank = fields.positive("adapter_rank") or 0
    shapes: list[Shape] = [
        ("model.shared.self_attn.qkv_proj.weight", (blocks * 3 * inner, 2 * hidden)),
        ("model.shared.self_attn.o_proj.weight", (blocks * hidden, inner)),
        ("model.shared.mlp.gate_up_proj.weight", (blocks * 2 * width, hidden)),
        ("model.shared.mlp.down_proj.weight", (blocks * hidden, width)),
        ("model.shared.mlp.gate_up_adapter.weight", (uses, rank * (hidden + 2 * width))),
        ("model.layers.mlp.linear.weight", (uses * hidden, hidden)),
    ]
    if fields.flag("use_shared_attention_adapter"):
        shapes.append(("model.shared.self_attn.adapter.weight", (uses, 3 * rank * (2 * hidden + inner))))
    return shapes


def _shared_block(fields: Fields) -> list[Shape]:
    hidden, width = fields.require("hidden_size"), fields.require("intermediate_size")
    return [
        ("model.shared.self_attn.qkv_proj.weight", (3 * 2 * hidden, 2 * hidden)),
        ("model.shared.self_attn.o_proj.weight", (hidden, 2 * hidden)),
        ("model.shared.mlp.gate_up_proj.weight", (3 * width, hidden)),
    ]


def _projected_embedding(fields: Fields) -> list[Shape]:
    hidden, width = fields.require("hidden_size"), fields.positive("word_embed_proj_dim")
    if not width or width == hidden:
        return []
    return [("model.decoder.project_in.weight", (hidden, width)), ("model.decoder.project_out.weight", (width, hidden))]


def _residual_mlp(fields: Fields, layers: int) -> list[Shape]:
    hidden = fields.require("hidden_size")
    return [("model.layers.residual_mlp.weight", (layers * 3 * hidden, hidden))] if fields.flag("parallel_attn_mlp_res") else []
