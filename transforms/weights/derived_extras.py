"""Tensors that only one family has, as closed forms of its config: per-layer embeddings, hyper-connections, shared blocks."""

from __future__ import annotations

from transforms.config.config_fields import Fields
from transforms.layers.states import Shape


def extra_tensors(fields: Fields, layers: int) -> list[Shape]:
    """The family's own tensors beyond embedding, attention, feed-forward and norms, over all layers."""
    name = fields.model_type
    if name.startswith(("gemma3n", "gemma4")):
        return _per_layer_inputs(fields, layers)
    if name.startswith("deepseek_v4"):
        return _compressed_attention(fields, layers)
    if name == "zamba2":
        return _shared_blocks(fields, layers)
    if name == "zamba":
        return _shared_block(fields)
    if name == "opt":
        return _projected_embedding(fields)
    if name == "arctic":
        return _residual_mlp(fields, layers)
    return []


def _per_layer_inputs(fields: Fields, layers: int) -> list[Shape]:
    hidden, width = fields.require("hidden_size"), fields.positive("hidden_size_per_layer_input")
    shapes: list[Shape] = []
    if width:
        rows = fields.positive("vocab_size_per_layer_input") or fields.require("vocab_size")
        shapes += [
            ("model.embed_tokens_per_layer.weight", (rows, layers * width)),
            ("model.per_layer_model_projection.weight", (layers * width, hidden)),
            ("model.layers.per_layer_input_gate.weight", (layers * width, hidden)),
            ("model.layers.per_layer_projection.weight", (layers * hidden, width)),
        ]
    streams = fields.positive("altup_num_inputs")
    if fields.model_type.startswith("gemma3n") and streams:
        rank = fields.positive("laurel_rank") or 0
        shapes += [
            ("model.altup.projections.weight", (2 * (streams - 1), hidden, hidden)),
            ("model.altup.coefs.weight", (layers, streams * (hidden + streams * streams + streams))),
            ("model.laurel.linear.weight", (2 * layers * rank, hidden)),
        ]
    return shapes


def _compressed_attention(fields: Fields, layers: int) -> list[Shape]:
    """DeepSeek V4: low-rank queries and outputs, one latent for K and V, compressors, an index, hyper-connections."""
    hidden, width, heads = fields.require("hidden_size"), fields.require("head_dim"), fields.require("attention_heads")
    query_rank, out_rank = fields.require("q_lora_rank"), fields.require("o_lora_rank")
    groups, index_heads, index_width = (
        fields.require("o_groups"),
        fields.require("index_n_heads"),
        fields.require("index_head_dim"),
    )
    ratios = fields.raw("compress_ratios")
    ratios = [ratio for ratio in ratios[:layers] if isinstance(ratio, int)] if isinstance(ratios, list) else []
    overlapping, plain = sum(0 < ratio < 8 for ratio in ratios), sum(ratio >= 8 for ratio in ratios)
    coarse = max((ratio for ratio in ratios if 8 <= ratio < 2**20), default=0)
    streams = fields.positive("hc_mult") or 1
    mixing = (2 + streams) * streams
    connection = mixing * streams * hidden + mixing + 3
    return [
        ("model.layers.self_attn.wq_a.weight", (layers * query_rank, hidden)),
        ("model.layers.self_attn.wq_b.weight", (layers * heads * width, query_rank)),
        ("model.layers.self_attn.wkv.weight", (layers * width, hidden)),
        ("model.layers.self_attn.wo_a.weight", (layers * groups * out_rank, heads * width // groups)),
        ("model.layers.self_attn.wo_b.weight", (layers * hidden, groups * out_rank)),
        ("model.layers.self_attn.compressor.wkv.weight", ((overlapping * 4 + plain * 2) * width, hidden)),
        ("model.layers.self_attn.compressor.ape", (overlapping * 8 + plain * coarse, width)),
        ("model.layers.self_attn.indexer.wq_b.weight", (overlapping * index_heads * index_width, query_rank)),
        ("model.layers.self_attn.indexer.weights_proj.weight", (overlapping * index_heads, hidden)),
        ("model.layers.self_attn.indexer.compressor.wkv.weight", (overlapping * 4 * index_width, hidden)),
        ("model.layers.self_attn.indexer.compressor.ape", (overlapping * 8, index_width)),
        ("model.layers.self_attn.sinks", (layers, heads)),
        ("model.layers.hc_attn_fn", (layers, connection)),
        ("model.layers.hc_ffn_fn", (layers, connection)),
        ("model.hc_head_fn", (streams * streams * hidden + streams + 1,)),
        ("model.layers.self_attn.q_norm.weight", (layers, query_rank + width)),
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
