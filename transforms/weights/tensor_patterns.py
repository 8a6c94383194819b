"""The part of a model that a tensor belongs to, by its name: a table of patterns with the families whose names they are.

Names come with numeric components as `*` (see `transforms.weights.safetensors`). The first row that matches decides; what no row
knows is counted in `other`. The order is: what is no parameter, what lies outside the language model, then the language
model from the most to the least specific.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class TensorPattern(NamedTuple):
    """One row: the group it assigns, a regular expression searched in the name, and the families whose names it covers."""

    group: str
    expression: str
    families: str


BUFFER = "buffer"
"""Group of stored tensors that are no parameters (rotary tables, causal masks): bytes in the file, never loaded."""

TENSOR_PATTERNS: tuple[TensorPattern, ...] = (
    TensorPattern(
        BUFFER, r"(rotary_emb|rotary_pos_emb|rope)\.(inv_freq|cos|sin|.*cached)$", "llama 1, gpt-neox, chatglm, baichuan"
    ),
    TensorPattern(BUFFER, r"\.(attn|attention)\.((masked_)?bias|causal_mask)$", "gpt2, gpt-neo, gpt-neox, gpt-j causal masks"),
    TensorPattern(BUFFER, r"(^|\.)position_ids$|\.embed_positions\.weights$|_float_tensor$", "CLIP and other towers, sinusoids"),
    TensorPattern(BUFFER, r"\.(input|output)_(min|max)$|\.layer_scalar$", "gemma 4 clipping ranges and layer scalars"),
    TensorPattern(BUFFER, r"\.tid2eid$", "deepseek v4's hash-routed layers"),
    TensorPattern(BUFFER, r"\.embed_positions$|relative_position_index$", "gpt-j sinusoids, window attention"),
    TensorPattern(
        "vision_audio",
        r"(^|\.)(vision_tower|vision_model|vision_encoder|vision_embed_tokens|visual|visual_encoder|vit|vpm|resampler|vision|"
        r"vision_backbone|vision_proj(ection)?|vision_projector|vision_adapter|vision_resampler|vision_language_adapter|"
        r"image_newline|image_encoder|image_tower|image_seperate|img_processor|img_projection|sam_model|qwen2_model|"
        r"sub_GN|glb_GN|view_seperator|projector|aligner|mlp1|mlp_AR)(\.|$)",
        "llava, gemma 3, internvl, qwen-vl, mllama, llama 4, pixtral, phi-vision, minicpm-v, molmo, deepseek-vl, janus",
    ),
    TensorPattern(
        "vision_audio",
        r"(^|\.)(mm_projector|multi_modal_projector|multimodal_projector|mm_input_projection|patch_merger|patch_merger_projector|"
        r"embed_vision|embed_audio|audio_tower|audio_encoder|audio_projector|audio_projection_layer|audio_model|audio|"
        r"speech_encoder|speech_projector|apm|tts|talker|code2wav|token2wav|code_predictor|connector|modality_projection|"
        r"vision_tokens?|vision_head|gen_vision_model|gen_aligner|gen_head|gen_embed|audio_embed|image_embed|perceiver|"
        r"vae2llm|vision_embedding_.*|mm_patch_.*|linear_projector|embed_vision_.*)(\.|$)",
        "projectors and audio towers of the multimodal families, qwen-omni's talker",
    ),
    TensorPattern("vision_audio", r"^(model\.)?vision_embed_tokens\.", "phi-3-vision"),
    TensorPattern(
        "mtp",
        r"(^|\.)(mtp|mtp_layers|mtp_block|mtp_emb_norm|mtp_hidden_norm|mtp_linear_proj|nextn|nextn_predict_layers|"
        r"shared_head|eh_proj|mtp_embed_tokens|mtp_norm)(\.|$)|^model\.mtp",
        "deepseek v3, glm, qwen 3.5, mimo, ernie 4.5, longcat",
    ),
    TensorPattern(
        "lm_head", r"(^|\.)(lm_head|embed_out|output_layer|lm_output)(\.(weight|bias|linear\.weight|linear\.bias))?$", "most"
    ),
    TensorPattern(
        "lm_head",
        r"^(language_model\.|model\.|transformer\.)*(output|head|ff_out)\.(weight|bias)$",
        "internlm2, rwkv, mistral, olmo 1",
    ),
    TensorPattern("embedding", r"\.embed_tokens_per_layer\.", "gemma 3n, 4"),
    TensorPattern("other", r"per_layer_model_projection|per_layer_(input_gate|projection)\.", "gemma 3n, 4"),
    TensorPattern("norms", r"(laurel|altup).*norm\.weight$", "gemma 3n"),
    TensorPattern("other", r"(^|\.)(altup|laurel|altup_.*)(\.|$)", "gemma 3n"),
    TensorPattern("embedding", r"(^|\.)(word_embeddings|embedding\.word_embeddings)(\.weight)?$", "bloom, falcon, chatglm"),
    TensorPattern(
        "embedding",
        r"(^|\.)(embed_tokens|embed_in|embed|wte|wpe|tok_embeddings|token_embd|embed_positions|position_embeddings|word_embedding|"
        r"embedding|embeddings|token_embeddings|project_in|project_out|tok_embed|ngram_embeddings|oe_embeddings)"
        r"(\.(weight|embedding|word_embeddings\.weight|new_embedding|new_emb))*$",
        "most; learned positions of gpt2 and opt",
    ),
    TensorPattern(
        "linear_attention",
        r"\.(linear_attn|mamba|mamba2|ssm|mamba_decoder|short_conv|recurrent_block|rglru|time_mix|temporal_mixer|token_mixer|gla|"
        r"deltanet|delta_net|lightning_attn|conv)\.",
        "qwen 3-next, qwen 3.5, jamba, bamba, falcon-h1, lfm2, recurrentgemma",
    ),
    TensorPattern(
        "linear_attention",
        r"\.(A_log|A_logs|dt_bias|D|dt_proj(\.weight|\.bias)?|x_proj\.weight|conv1d\.(weight|bias)|[bc]_norm\.weight|"
        r"(dt|b|c)_layernorm\.weight|([qkv]_conv1d|[fgb]_[ab]_proj|[fg]_proj\.\*|b_proj)\.(weight|bias))$",
        "mamba, falcon-mamba, kimi linear",
    ),
    TensorPattern(
        "linear_attention",
        r"\.mixer\.(in_proj|out_proj|norm|ssm_norm)\.(weight|bias)$",
        "mamba, mamba 2, nemotron-h, falcon-mamba",
    ),
    TensorPattern("linear_attention", r"\.temporal_block\.(linear_|conv_1d|rg_lru)", "recurrentgemma"),
    TensorPattern("linear_attention", r"\.blocks\.\*\.attention\.(time_|key|value|receptance|gate|output|ln_x)", "rwkv 4-6"),
    TensorPattern("dense_mlp", r"\.blocks\.\*\.feed_forward\.(time_|key|value|receptance)", "rwkv 4-6"),
    TensorPattern(
        "shared_experts",
        r"\.(shared_experts?|shared_mlp|shared_expert_gate|share_expert|shared_moe|moe_shared|shared_mlps?)(\.|$)",
        "deepseek, qwen-moe, llama 4, hunyuan, granite-moe-shared, step",
    ),
    TensorPattern(
        "router",
        r"(e_score_correction_bias|expert_bias|moe_statics|router\.(weight|bias|layer\.weight|classifier|scale|proj|per_expert)"
        r"|\.router\.|\.router$|\.gate\.(weight|bias|wg\.weight|e_score)|\.gate\.wg|moe_gate|gate_weight|"
        r"router_gate|global_scale|per_expert_scale|per_dim_scale)",
        "mixtral, deepseek, qwen-moe, gpt-oss, llama 4, dbrx, hunyuan, ernie 4.5, gemma 4",
    ),
    TensorPattern("norms", r"\.mlp\.norm_(weight|bias)$", "general"),
    TensorPattern(
        "routed_experts",
        r"\.(experts|moe|moe_mlp|expert|local_experts|routed_experts)\.|\.experts\.|"
        r"block_sparse_moe\.(input|output)_linear|\.moe\.|\.experts_|expert_linear",
        "mixtral, deepseek, qwen-moe, gpt-oss, granite-moe, nemotron-h, grok, phimoe, gemma 4",
    ),
    TensorPattern(
        "norms",
        r"(norm|layernorm|layer_norm|ln_?\d?|ln_[a-z0-9]+|norm_f|norm_\d|final_norm|rms_\d)(\.\*)?(\.weight|\.bias|\.scale|\.gamma|"
        r"\.beta)?$",
        "most",
    ),
    TensorPattern(
        "norms", r"(layernorm|layer_norm|_norm|norm)(s)?\.[^.]*(\.weight|\.bias)?$", "persimmon, stablelm per-head norms"
    ),
    TensorPattern("attention", r"\.(hc_attn|attn_hc)", "deepseek v4 hyper-connections"),
    TensorPattern("dense_mlp", r"\.(hc_ffn|hc_mlp|ffn_hc|mlp_hc)|\.fc\d_latent_proj", "deepseek v4; nemotron-h's latent experts"),
    TensorPattern("other", r"(^|\.)hc_", "deepseek v4 hyper-connections"),
    TensorPattern(
        "attention",
        r"\.(self_attn|self_attention|attn|attention|cross_attn|norm_attn_norm|attn_block|multihead_attn|sa|attns?)\.",
        "most",
    ),
    TensorPattern(
        "attention", r"\.(q|k|v|o|qkv|out|g|qk|kv_[ab]|q_[ab])_proj(\.|$)|\.(wq|wk|wv|wo|wqkv|c_attn|Wqkv|W_pack)(\.|$)", "most"
    ),
    TensorPattern(
        "attention",
        r"\.(att_proj|attn_out|fused_qkv)(\.|$)|cross_attn_(attn|mlp)_gate|\.sinks$|\.attention_sink",
        "olmo 1, gpt-oss",
    ),
    TensorPattern(
        "dense_mlp",
        r"\.(mlp|mlps|mlp_block|feed_forward|ffn|ff|fc1|fc2|ff_proj|ff_out|up_proj|down_proj|gate_proj|gate_up_proj|dense_h_to_4h|"
        r"dense_4h_to_h|w1|w2|w3|w12|c_fc|fc_in|fc_out|residual_mlp|dense_mlp|gate_up|down)(\.|$|_)",
        "most",
    ),
)

_COMPILED = tuple((pattern.group, re.compile(pattern.expression)) for pattern in TENSOR_PATTERNS)


@lru_cache(maxsize=50_000)
def group_of(template: str) -> str:
    """The tensor group of a name (numbers as `*`), `buffer` for what is no parameter, `other` where no pattern knows it."""
    for group, expression in _COMPILED:
        if expression.search(template):
            return group
    return "other"
