"""The families: how the layers of each model_type are built, and the defaults that its configs leave out.

A table, not code: a family is a row of `FAMILIES`, and `SAME_AS` names the types whose layers are those of another. Values are
the defaults of the configuration class (transformers 5, or the repository's own configuration file).
"""

from __future__ import annotations

from transforms.config.family import HEAD, MLP, OUTPUT, QKV, Family

_ALL = (QKV, OUTPUT, MLP)
_LLAMA = {"hidden_size": 4096, "layers": 32, "attention_heads": 32, "intermediate_size": 11008, "vocab_size": 32000}
_LLAMA_POSITIONS = {**_LLAMA, "max_position_embeddings": 2048}
_GPT2 = {"hidden_size": 768, "layers": 12, "attention_heads": 12, "vocab_size": 50257, "max_position_embeddings": 1024}
_GEMMA3 = {
    "hidden_size": 2304,
    "layers": 26,
    "attention_heads": 8,
    "kv_heads": 4,
    "head_dim": 256,
    "intermediate_size": 9216,
    "vocab_size": 262208,
    "max_position_embeddings": 131072,
    "sliding_window": 4096,
    "sliding_window_pattern": 6,
}
_MLA = {"kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "value_head_dim": 128}
_MAMBA = {"state_size": 16, "expand": 2, "conv_kernel": 4}
_MAMBA2 = {"state_size": 128, "expand": 2, "conv_kernel": 4, "state_head_dim": 64, "state_groups": 1}
_DELTA = {
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "full_attention_interval": 4,
    "head_dim": 256,
    "attn_output_gate": True,
}

FAMILIES: dict[str, Family] = {
    "llama": Family(defaults=_LLAMA_POSITIONS),
    "mistral": Family(window="all", defaults={**_LLAMA, "kv_heads": 8, "intermediate_size": 14336}),
    "mixtral": Family(
        window="all",
        defaults={
            "hidden_size": 4096,
            "layers": 32,
            "attention_heads": 32,
            "kv_heads": 8,
            "intermediate_size": 14336,
            "vocab_size": 32000,
            "experts": 8,
            "experts_per_token": 2,
            "max_position_embeddings": 131072,
        },
    ),
    "qwen": Family(
        bias=(QKV,), bias_keys={}, defaults={"half_mlp": True, "layers": 32, "attention_heads": 32, "hidden_size": 4096}
    ),
    "qwen2": Family(
        bias=(QKV,),
        bias_keys={},
        window="qwen",
        defaults={
            "hidden_size": 4096,
            "layers": 32,
            "attention_heads": 32,
            "kv_heads": 32,
            "intermediate_size": 22016,
            "vocab_size": 151936,
            "max_position_embeddings": 32768,
            "sliding_window": 4096,
            "max_window_layers": 28,
        },
    ),
    "qwen2_moe": Family(
        bias=(QKV,),
        bias_keys={"qkv_bias": (QKV,)},
        window="qwen",
        defaults={
            "hidden_size": 2048,
            "layers": 24,
            "attention_heads": 16,
            "vocab_size": 151936,
            "experts": 60,
            "experts_per_token": 4,
            "moe_intermediate_size": 1408,
            "shared_intermediate_size": 5632,
            "max_position_embeddings": 32768,
        },
    ),
    "qwen3": Family(
        qk_norm="head", window="qwen", defaults={"head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 32768}
    ),
    "qwen3_next": Family(qk_norm="head", defaults={**_DELTA, "shared_intermediate_size": 512, "vocab_size": 151936}),
    "gemma": Family(
        tied=True,
        defaults={
            "hidden_size": 3072,
            "layers": 28,
            "attention_heads": 16,
            "kv_heads": 16,
            "head_dim": 256,
            "intermediate_size": 24576,
            "vocab_size": 256000,
            "max_position_embeddings": 8192,
        },
    ),
    "gemma2": Family(
        norms=4,
        tied=True,
        window="even",
        defaults={
            "hidden_size": 2304,
            "layers": 26,
            "attention_heads": 8,
            "kv_heads": 4,
            "head_dim": 256,
            "intermediate_size": 9216,
            "vocab_size": 256000,
            "max_position_embeddings": 8192,
            "sliding_window": 4096,
        },
    ),
    "gemma3_text": Family(norms=4, qk_norm="head", tied=True, window="pattern", defaults=_GEMMA3),
    "gemma3n_text": Family(
        norms=4,
        qk_norm="head",
        tied=True,
        window="pattern",
        defaults={
            "hidden_size": 2048,
            "layers": 35,
            "attention_heads": 8,
            "kv_heads": 2,
            "head_dim": 256,
            "intermediate_size": 16384,
            "vocab_size": 262400,
            "vocab_size_per_layer_input": 262144,
            "hidden_size_per_layer_input": 256,
            "altup_num_inputs": 4,
            "laurel_rank": 64,
            "num_kv_shared_layers": 15,
            "max_position_embeddings": 32768,
            "sliding_window": 512,
            "sliding_window_pattern": 5,
        },
    ),
    "gemma4_text": Family(
        norms=4,
        qk_norm="head",
        tied=True,
        window="pattern",
        defaults={
            "head_dim": 256,
            "vocab_size": 262144,
            "vocab_size_per_layer_input": 262144,
            "sliding_window": 512,
            "sliding_window_pattern": 6,
            "global_head_dim": 512,
        },
    ),
    "phi": Family(
        mlp="plain",
        bias=(QKV, OUTPUT, MLP, HEAD),
        norm="layer",
        norms=1,
        defaults={"vocab_size": 51200, "max_position_embeddings": 2048},
    ),
    "phi3": Family(window="all", defaults={"vocab_size": 32064, "max_position_embeddings": 4096}),
    "phimoe": Family(bias=(QKV, OUTPUT, HEAD), norm="layer", window="all", defaults={"experts": 16, "experts_per_token": 2}),
    "phi3small": Family(mlp="gated", bias=_ALL, norm="layer", tied=True),
    "starcoder2": Family(mlp="plain", bias=_ALL, norm="layer", tied=True, window="all"),
    "gpt2": Family(mlp="plain", bias=_ALL, norm="layer", tied=True, positions=0, defaults=_GPT2),
    "gpt_bigcode": Family(mlp="plain", bias=_ALL, norm="layer", tied=True, positions=0, defaults={**_GPT2, "multi_query": True}),
    "gpt_neo": Family(
        mlp="plain",
        bias=(OUTPUT, MLP),
        norm="layer",
        tied=True,
        positions=0,
        defaults={
            "vocab_size": 50257,
            "max_position_embeddings": 2048,
            "hidden_size": 2048,
            "layers": 24,
            "attention_heads": 16,
            "sliding_window": 256,
        },
    ),
    "gptj": Family(
        mlp="plain",
        bias=(MLP, HEAD),
        norm="layer",
        norms=1,
        defaults={"vocab_size": 50400, "max_position_embeddings": 2048, "hidden_size": 4096, "layers": 28, "attention_heads": 16},
    ),
    "gpt_neox": Family(
        mlp="plain", bias=_ALL, bias_keys={"attention_bias": (QKV, OUTPUT)}, norm="layer", defaults={"vocab_size": 50432}
    ),
    "bloom": Family(
        mlp="plain",
        bias=_ALL,
        norm="layer",
        tied=True,
        defaults={
            "vocab_size": 250880,
            "hidden_size": 64,
            "layers": 2,
            "attention_heads": 8,
            "max_position_embeddings": 2048,
            "embedding_norm": True,
        },
    ),
    "opt": Family(
        mlp="plain",
        bias=_ALL,
        bias_keys={"enable_bias": _ALL},
        norm="layer",
        tied=True,
        positions=2,
        defaults={
            "vocab_size": 50272,
            "hidden_size": 768,
            "layers": 12,
            "attention_heads": 12,
            "intermediate_size": 3072,
            "max_position_embeddings": 2048,
        },
    ),
    "mpt": Family(
        mlp="plain",
        norm="layer",
        bias_keys={},
        tied=True,
        defaults={
            "hidden_size": 2048,
            "layers": 24,
            "attention_heads": 16,
            "vocab_size": 50368,
            "max_position_embeddings": 2048,
            "norm_bias": False,
        },
    ),
    "falcon": Family(
        mlp="plain",
        norm="layer",
        norms=1,
        tied=True,
        bias_keys={"bias": _ALL},
        defaults={
            "vocab_size": 65024,
            "hidden_size": 4544,
            "layers": 32,
            "attention_heads": 71,
            "multi_query": True,
            "max_position_embeddings": 2048,
            "parallel_attn": True,
        },
    ),
    "stablelm": Family(
        norm="layer", bias_keys={"use_qkv_bias": (QKV,)}, defaults={"vocab_size": 50304, "max_position_embeddings": 4096}
    ),
    "persimmon": Family(mlp="plain", bias=_ALL, norm="layer", qk_norm="layer"),
    "nemotron": Family(mlp="plain", norm="layer", defaults={"max_position_embeddings": 4096}),
    "olmo": Family(norm="none"),
    "olmo2": Family(qk_norm="full"),
    "olmo3": Family(qk_norm="full", window="pattern", defaults={"sliding_window_pattern": 4, "sliding_window": 4096}),
    "olmoe": Family(qk_norm="full", defaults={"experts": 64, "experts_per_token": 8}),
    "cohere": Family(
        norms=1,
        tied=True,
        defaults={
            "hidden_size": 8192,
            "layers": 40,
            "attention_heads": 64,
            "intermediate_size": 22528,
            "vocab_size": 256000,
            "max_position_embeddings": 8192,
        },
    ),
    "cohere2": Family(
        norms=1,
        tied=True,
        window="pattern",
        defaults={"sliding_window": 4096, "sliding_window_pattern": 4, "vocab_size": 256000, "max_position_embeddings": 8192},
    ),
    "dbrx": Family(
        norm="layer",
        bias_keys={},
        defaults={
            "hidden_size": 2048,
            "attention_heads": 16,
            "layers": 24,
            "vocab_size": 32000,
            "max_position_embeddings": 2048,
            "experts": 4,
            "experts_per_token": 1,
            "norm_bias": False,
        },
    ),
    "llama4_text": Family(
        window="chunked",
        defaults={
            "attention_chunk_size": 8192,
            "interleave_moe_layer_step": 1,
            "experts": 16,
            "experts_per_token": 1,
            "head_dim": 128,
            "hidden_size": 5120,
            "layers": 48,
            "attention_heads": 40,
            "kv_heads": 8,
            "intermediate_size": 8192,
            "intermediate_size_mlp": 16384,
            "vocab_size": 202048,
            "max_position_embeddings": 131072,
            "shared_experts": 1,
        },
    ),
    "mllama_text_model": Family(
        defaults={
            "hidden_size": 4096,
            "layers": 40,
            "attention_heads": 32,
            "kv_heads": 8,
            "intermediate_size": 14336,
            "vocab_size": 128256,
            "max_position_embeddings": 131072,
        }
    ),
    "gpt_oss": Family(
        bias=(QKV, OUTPUT),
        bias_keys={},
        window="even",
        defaults={
            "head_dim": 64,
            "experts": 128,
            "experts_per_token": 4,
            "expert_bias": True,
            "sliding_window": 128,
            "sinks": True,
            "hidden_size": 2880,
            "intermediate_size": 2880,
            "layers": 36,
            "attention_heads": 64,
            "kv_heads": 8,
            "vocab_size": 201088,
            "max_position_embeddings": 131072,
        },
    ),
    "deepseek": Family(defaults={"shared_experts": 0}),
    "deepseek_v2": Family(defaults={**_MLA, "q_lora_rank_default": 1536}),
    "deepseek_v3": Family(defaults={**_MLA, "router_bias": True}),
    "deepseek_v32": Family(
        defaults={**_MLA, "router_bias": True, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048}
    ),
    "deepseek_v4": Family(defaults={"router_bias": True}),
    "glm_moe_dsa": Family(defaults={**_MLA, "router_bias": True, "index_n_heads": 32, "index_head_dim": 128, "index_topk": 2048}),
    "kimi_linear": Family(defaults={**_MLA, "router_bias": True}),
    "longcat_flash": Family(defaults={**_MLA, "router_bias": True, "two_blocks": True}),
    "glm": Family(bias_keys={"attention_bias": (QKV,)}, defaults={"max_position_embeddings": 131072}),
    "glm4": Family(norms=4, bias_keys={"attention_bias": (QKV,)}, defaults={"max_position_embeddings": 131072}),
    "glm4_moe": Family(bias_keys={"attention_bias": (QKV,)}, defaults={"router_bias": True, "max_position_embeddings": 131072}),
    "chatglm": Family(bias_keys={"add_qkv_bias": (QKV,), "add_bias_linear": _ALL}, defaults={"hidden_size": 4096}),
    "chatglm_v1": Family(mlp="plain", bias=_ALL, norm="layer", tied=True),
    "minimax_m2": Family(qk_norm="full", defaults={"router_bias": True}),
    "minimax": Family(defaults={"experts": 8, "experts_per_token": 2}),
    "granitemoe": Family(bias_keys={"attention_bias": (QKV, OUTPUT)}),
    "granitemoehybrid": Family(defaults=_MAMBA2),
    "falcon_mamba": Family(tied=True, norms=1, defaults={**_MAMBA, "vocab_size": 50280, "hidden_size": 4096, "layers": 64}),
    "mamba": Family(tied=True, norms=1, defaults={**_MAMBA, "vocab_size": 50280, "hidden_size": 768, "layers": 32}),
    "mamba2": Family(
        norms=1,
        defaults={**_MAMBA2, "state_groups": 8, "state_heads": 128, "vocab_size": 32768, "hidden_size": 4096, "layers": 64},
    ),
    "jamba": Family(
        defaults={
            **_MAMBA,
            "attn_layer_period": 8,
            "attn_layer_offset": 4,
            "expert_layer_period": 2,
            "expert_layer_offset": 1,
            "experts": 16,
            "experts_per_token": 2,
        }
    ),
    "bamba": Family(defaults={**_MAMBA2, "vocab_size": 128000}),
    "zamba2": Family(
        tied=True,
        norms=1,
        defaults={**_MAMBA2, "state_size": 64, "num_mem_blocks": 1, "adapter_rank": 128, "max_position_embeddings": 4096},
    ),
    "zamba": Family(tied=True, norms=1, defaults={**_MAMBA, "max_position_embeddings": 4096}),
    "falcon_h1": Family(defaults={**_MAMBA2, "state_size": 256, "state_head_dim": 64}),
    "nemotron_h": Family(
        mlp="plain",
        norms=1,
        bias_keys={"attention_bias": (QKV, OUTPUT), "mlp_bias": (MLP,)},
        defaults={**_MAMBA2, "state_groups": 8, "state_heads": 128, "router_bias": True, "vocab_size": 131072},
    ),
    "recurrent_gemma": Family(
        tied=True,
        bias=(OUTPUT, MLP),
        bias_keys={},
        defaults={"half_mlp": True, "sliding_window": 2048, "head_dim": 256, "conv_kernel": 4},
    ),
    "lfm2": Family(
        tied=True,
        qk_norm="head",
        defaults={
            "conv_L_cache": 3,
            "block_multiple_of": 256,
            "block_ffn_dim_multiplier": 1.0,
            "block_auto_adjust_ff_dim": True,
            "vocab_size": 65536,
            "max_position_embeddings": 128000,
        },
    ),
    "openelm": Family(tied=True, qk_norm="head", defaults={"vocab_size": 32000, "max_position_embeddings": 2048}),
    "exaone4": Family(qk_norm="head", window="pattern", defaults={"sliding_window_pattern": 4}),
    "smollm3": Family(tied=True, defaults={"vocab_size": 128256, "max_position_embeddings": 32768}),
    "minicpm3": Family(
        tied=True,
        defaults={"qk_nope_head_dim": 64, "qk_rope_head_dim": 32, "kv_lora_rank": 256, "q_lora_rank": 768, "value_head_dim": 64},
    ),
    "hunyuan_v1_dense": Family(qk_norm="head"),
    "hunyuan": Family(qk_norm="head", tied=True),
    "ernie4_5": Family(tied=True, bias_keys={"use_bias": _ALL}, defaults={"head_dim": 128}),
    "ernie4_5_moe": Family(tied=True, bias_keys={"use_bias": _ALL}, defaults={"router_bias": True}),
    "seed_oss": Family(bias=(QKV,), bias_keys={"attention_out_bias": (OUTPUT,), "mlp_bias": (MLP,)}),
    "apertus": Family(mlp="plain", qk_norm="head"),
    "arcee": Family(mlp="plain"),
    "dots1": Family(qk_norm="head", defaults={"router_bias": True}),
    "bailing_moe": Family(bias_keys={"use_qkv_bias": (QKV,), "use_bias": (OUTPUT,)}, defaults={"experts_per_token": 6}),
    "bailing_moe_linear": Family(bias_keys={"use_qkv_bias": (QKV,), "use_bias": (OUTPUT,)}, qk_norm="head"),
    "mimo": Family(bias=(QKV,), bias_keys={}),
    "baichuan": Family(bias_keys={}, defaults={"max_position_embeddings": 4096}),
    "internlm": Family(bias_keys={"bias": (QKV, OUTPUT)}),
    "internlm2": Family(bias_keys={"bias": (QKV, OUTPUT)}),
    "exaone": Family(defaults={"max_position_embeddings": 2048}),
    "rwkv": Family(norm="layer", mlp="plain"),
    "codegen": Family(mlp="plain", bias=(MLP, HEAD), norm="layer", norms=1, defaults={**_GPT2, "vocab_size": 50400}),
    "arctic": Family(defaults={"experts": 8, "experts_per_token": 1}),
    "grok": Family(norms=4),
    "xglm": Family(mlp="plain", norm="layer", bias=_ALL, tied=True),
    "biogpt": Family(mlp="plain", norm="layer", bias=_ALL, tied=True, positions=2),
    "jais": Family(mlp="gated", bias=_ALL, norm="layer", tied=True),
    "solar": Family(),
    "step3_text": Family(defaults={"head_dim": 256}),
    "molmo": Family(bias=(QKV,), bias_keys={}),
}

SAME_AS = """
    llama: yi aquila xverse minicpm granite decilm vicuna nemotron-nas helium diffllama telechat telechat2 orion llava_llama
        llava llava_next vipllava video_llava llama3v teuken csm afmoe bitnet cwm idefics3 smolvlm emu3 chameleon aria_text
        janus internlm3 step3p5 step1 trinity hyperclovax hyperclovax_vlm nanochat nemotron_nas Llama_Nemotron_Nano_VL
        llama_nemotron_nano_vl
    mistral: llava_mistral ministral ministral3 pixtral mistral3
    qwen2: llava_qwen qwen2_vl qwen2_vl_text qwen2_5_vl qwen2_5_vl_text qwen2_5_omni_text qwen2_5_omni_thinker qwen2_audio
        minicpmv minicpmo gte_qwen dream ovis jet_nemotron
    phi3: phi4flash phi3_v phi4mm phi4_multimodal phi4
    gemma2: vaultgemma
    gemma3_text: shieldgemma2 gemma3
    olmo2: flex_olmo olmo_hybrid
    olmo: hf_olmo
    deepseek_v3: mistral4 kimi_k2 kimi_k25 kimi_vl glm4_moe_lite youtu axk1
    qwen3: qwen3_moe qwen3_vl qwen3_vl_text qwen3_vl_moe qwen3_vl_moe_text qwen3_omni_moe_text qwen3_omni_moe_thinker molmo2
    qwen3_next: qwen3_5 qwen3_5_text qwen3_5_moe qwen3_5_moe_text
    gemma3n_text: gemma3n
    gemma4_text: gemma4 gemma4_unified_text
    gemma: paligemma
    phi: mixformer-sequential phi-msft imp moondream1
    falcon: RefinedWeb RefinedWebModel
    stablelm: stablelm_epoch
    persimmon: fuyu
    llama4_text: llama4
    mllama_text_model: mllama
    deepseek_v2: deepseek_vl_v2 deepseek_v2_lite
    glm4: glm4v glm4v_text glm_ocr_text
    glm4_moe: glm4v_moe glm4v_moe_text solar_open
    glm4v: glm46v
    minimax: minimax_text_01 minimax_m1 minimax_vl_01 MiniMaxText01 MiniMaxM1
    granitemoe: granitemoeshared
    granitemoehybrid: granitemoe_hybrid
    nemotron_h: nemotron_h_v2
    lfm2: lfm2_vl lfm2_moe
    exaone4: exaone4_moe exaone_moe
    hunyuan: hunyuan_v1_moe hunyuan_moe
    ernie4_5_moe: ernie4_5_moe_vl ernie4_5_vl_moe ernie4_5_vl_text
    ernie4_5: ernie
    bailing_moe: bailing_moe_v2
    bailing_moe_linear: bailing_hybrid bailing_moe_v2_5
    mimo: mimo_v2_flash
    internlm2: internlm2_5 internvl_chat
    cohere2: cohere2_moe cohere2_vision aya_vision
    grok: grok-1
    cohere: command_r
    gpt_neox: gpt_neox_japanese gpt-neox
    gpt_bigcode: gpt_refact
    gpt2: gpt2_custom openai-gpt ctrl
    mixtral: jetmoe
    seed_oss: seed_oss_text
    longcat_flash: longcat_flash_ngram
    kimi_linear: kimi_linear_text
    baichuan: baichuan_m1
    mamba2: mamba_ssm
"""
"""Model types whose layers are those of another: the other's name, then theirs."""
