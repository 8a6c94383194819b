"""Which part of a model a tensor belongs to, by the names that families give their tensors."""

from __future__ import annotations

import pytest
from extraction_cases import LLAMA, architecture, llama_header

from transforms.tables.fields import TENSOR_GROUPS
from transforms.weights.tensor_patterns import BUFFER, TENSOR_PATTERNS, group_of

NAMES = """
embedding model.embed_tokens.weight transformer.wte.weight transformer.wpe.weight model.decoder.embed_positions.weight
embedding transformer.word_embeddings.weight model.tok_embeddings.weight gpt_neox.embed_in.weight backbone.embeddings.weight
embedding transformer.embedding.word_embeddings.weight model.transformer.wte.new_embedding embed.weight
embedding model.language_model.embed_tokens_per_layer.weight transformer.token_embeddings.weight model.word_embeddings.weight
lm_head lm_head.weight language_model.lm_head.weight embed_out.weight output.weight lm_head.bias head.weight
lm_head transformer.output_layer.weight model.transformer.ff_out.weight thinker.lm_head.weight
attention model.layers.*.self_attn.q_proj.weight transformer.h.*.attn.c_attn.weight model.layers.*.attention.wqkv.weight
attention transformer.blocks.*.norm_attn_norm.attn.Wqkv.weight backbone.layers.*.mixer.o_proj.weight
attention model.layers.*.self_attn.indexer.wk.weight model.layers.*.self_attn.sinks
attention model.transformer.blocks.*.att_proj.weight
attention language_model.model.layers.*.cross_attn.k_proj.weight model.layers.*.self_attn.gate_proj.weight
attention transformer.encoder.layers.*.self_attention.query_key_value.bias model.layers.*.temporal_block.q_proj.weight
dense_mlp model.layers.*.mlp.down_proj.weight transformer.h.*.mlp.c_fc.bias model.layers.*.feed_forward.w1.weight
dense_mlp model.decoder.layers.*.fc1.weight transformer.blocks.*.ffn.up_proj.weight backbone.layers.*.mixer.up_proj.weight
dense_mlp model.layers.*.residual_mlp.w1.weight model.layers.*.mlps.*.gate_proj.weight
dense_mlp model.transformer.blocks.*.ff_out.weight
dense_mlp model.layers.*.mlp_block.gate_proj.weight transformer.layers.*.ffn.proj_1.weight
dense_mlp backbone.layers.*.mixer.fc1_latent_proj.weight
routed_experts model.layers.*.mlp.experts.*.up_proj.weight model.layers.*.block_sparse_moe.experts.*.w1.weight
routed_experts model.layers.*.mlp.experts.gate_up_proj transformer.blocks.*.ffn.experts.mlp.w1
routed_experts model.layers.*.block_sparse_moe.input_linear.weight model.layers.*.moe.gate_proj.weight
routed_experts model.layers.*.feed_forward.experts.*.down_proj.weight backbone.layers.*.mixer.experts.*.up_proj.weight
shared_experts model.layers.*.mlp.shared_experts.up_proj.weight model.layers.*.mlp.shared_expert_gate.weight
shared_experts model.layers.*.mlp.shared_mlp.gate_proj.weight model.layers.*.share_expert.gate_proj.weight
shared_experts model.layers.*.feed_forward.shared_expert.up_proj.weight
shared_experts model.layers.*.block_sparse_moe.shared_experts.up_proj.weight
router model.layers.*.mlp.gate.weight model.layers.*.mlp.gate.e_score_correction_bias
router model.layers.*.feed_forward.router.weight
router model.layers.*.mlp.gate.wg.weight model.layers.*.mlp.router.classifier.weight model.layers.*.moe.gate.weight
router model.layers.*.block_sparse_moe.router.layer.weight model.layers.*.mlp.moe_statics.e_score_correction_bias
router model.layers.*.mlp.gate.expert_bias model.layers.*.feed_forward.expert_bias model.layers.*.router.per_expert_scale
norms model.norm.weight model.layers.*.input_layernorm.bias transformer.h.*.ln_1.weight transformer.ln_f.weight
norms model.layers.*.self_attn.q_norm.weight model.layers.*.self_attn.kv_a_layernorm.weight backbone.norm_f.weight
norms transformer.blocks.*.norm_attn_norm.norm_1.weight model.layers.*.ffn_norm.weight
norms model.layers.*.input_layernorm.*.weight
norms model.layers.*.laurel.post_laurel_norm.weight model.language_model.per_layer_projection_norm.weight
linear_attention backbone.layers.*.mixer.A_log backbone.layers.*.mixer.in_proj.weight model.layers.*.linear_attn.norm.weight
linear_attention model.layers.*.mamba.dt_layernorm.weight model.layers.*.conv.in_proj.weight
linear_attention model.layers.*.self_attn.q_conv1d.weight
linear_attention model.layers.*.self_attn.f_a_proj.weight model.layers.*.temporal_block.rg_lru.recurrent_param
vision_audio model.visual.blocks.*.attn.qkv.weight vision_tower.vision_model.post_layernorm.weight mlp1.*.weight
vision_audio multi_modal_projector.linear_1.weight model.audio_tower.layers.*.norm_out.weight image_newline
vision_audio vpm.embeddings.weight
vision_audio model.vision_backbone.image_vit.patch_embedding.weight talker.model.layers.*.mlp.up_proj.weight
vision_audio model.connector.proj.weight
mtp mtp.layers.*.self_attn.q_proj.weight model.mtp_layers.*.mlp.up_proj.weight model.layers.*.eh_proj.weight
mtp model.layers.*.shared_head.head.weight model.mtp_block.*.mlp.up_proj.weight mtp.*.attn.wq_a.weight
other model.altup_projections.*.weight model.layers.*.per_layer_input_gate.weight model.layers.*.laurel.linear_left.weight
buffer model.layers.*.self_attn.rotary_emb.inv_freq transformer.h.*.attn.bias transformer.h.*.attn.attention.masked_bias
buffer layers.*.ffn.gate.tid2eid vision_tower.embeddings.position_ids model.language_model.layers.*.layer_scalar
"""
CASES = [(name, line.split()[0]) for line in NAMES.strip().splitlines() for name in line.split()[1:]]


@pytest.mark.parametrize(("name", "group"), CASES)
def test_names_of_the_families(name: str, group: str) -> None:
    assert group_of(name) == group


def test_every_pattern_assigns_a_group_and_names_its_families() -> None:
    for pattern in TENSOR_PATTERNS:
        assert pattern.group in (*TENSOR_GROUPS, BUFFER)
        assert pattern.families


def test_attention_of_a_linear_layer_is_linear_attention() -> None:
    """Kimi Linear and MiniMax name the projections of linear layers like those of softmax layers."""
    config = {**LLAMA, "model_type": "minimax", "num_local_experts": 0, "attn_type_list": [0, 1]}
    row, plain = architecture(config, llama_header()), architecture(LLAMA, llama_header())
    assert row["parameters_linear_attention"] == plain["parameters_attention"] // 2 == row["parameters_attention"]
