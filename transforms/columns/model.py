"""Columns that say what a model is: its repository, its weights, its layers."""

from __future__ import annotations

from transforms.columns.field import Field

TENSOR_GROUPS: tuple[str, ...] = (
    "embedding",
    "lm_head",
    "attention",
    "dense_mlp",
    "routed_experts",
    "shared_experts",
    "router",
    "norms",
    "linear_attention",
    "vision_audio",
    "other",
    "mtp",
)
"""The parts into which a checkpoint's tensors are divided; `mtp` (next-token-prediction heads) is not in any total."""

QUANTIZABLE_GROUPS: tuple[str, ...] = (
    "attention",
    "dense_mlp",
    "routed_experts",
    "shared_experts",
    "linear_attention",
)
"""Tensor groups whose matrices a quantized publication of the model would store in fewer bits."""

_IDENTITY: dict[str, Field] = {
    "model_id": Field("VARCHAR", "Hugging Face repository id, owner/name, or the path of a local model"),
    "sha": Field("VARCHAR", "commit of the repository that was read"),
    "architecture_key": Field("VARCHAR", "hash of every fact that the estimates depend on"),
    "architecture_class": Field("VARCHAR", "first entry of the config's architectures"),
    "model_type": Field("VARCHAR", "model_type of the config, of the language model where configs nest"),
    "library": Field("VARCHAR", "library that ships a config class of the model type: transformers, or the engine itself"),
    "library_version": Field("VARCHAR", "release or commit of the library that was read"),
    "author": Field("VARCHAR", "owner of the repository"),
    "license": Field("VARCHAR", "license tag of the repository"),
    "gated": Field("VARCHAR", "false, auto or manual: whether access must be asked for"),
    "private": Field("BOOLEAN", "whether the repository is private"),
    "disabled": Field("BOOLEAN", "whether the Hub has disabled the repository"),
    "downloads": Field("BIGINT", "downloads of the last 30 days as the Hub lists them"),
    "likes": Field("BIGINT", "likes as the Hub lists them"),
    "last_modified": Field("TIMESTAMPTZ", "when the repository was last changed"),
    "pipeline_tag": Field("VARCHAR", "task tag of the repository"),
    "base_model": Field("VARCHAR", "model that the repository says it derives from"),
    "base_model_relation": Field(
        "VARCHAR",
        "how the repository derives from base_model, as the Hub tags it: quantized, finetune, adapter or merge; null for no tag",
    ),
    "checkpoint": Field("VARCHAR", "repository that publishes the model's weights in this precision"),
    "tags": Field("VARCHAR", "the repository's tags as a JSON list"),
    "files": Field("VARCHAR", "the repository's file names as a JSON list"),
    "safetensors_totals": Field("VARCHAR", "the Hub's parameter counts by dtype as a JSON object"),
    "config_hash": Field("VARCHAR", "config.json, as hub_texts names it"),
    "quantization_hash": Field("VARCHAR", "hf_quant_config.json or quantize_config.json, as hub_texts names it"),
    "header_hash": Field("VARCHAR", "safetensors headers, tensors of one form counted together as JSON; named in hub_texts"),
    "config_key": Field("VARCHAR", "hash of what in the config and the quantization file can matter to any estimate"),
    "headers_of": Field(
        "VARCHAR",
        "model whose headers were read: this one, or one of the same config_key and safetensors_totals; null where there "
        "are none, or where they disagree with the Hub's totals",
    ),
    "text_hash": Field("VARCHAR", "BLAKE2b of the text"),
    "text": Field("VARCHAR", "the text as published"),
    "extractor": Field("VARCHAR", "hash of the code that extracted"),
    "represents": Field("BOOLEAN", "whether the architecture's row was made from this model"),
    "read_at": Field("TIMESTAMPTZ", "when config and headers were read; later fetches found the same commit"),
    "status": Field("VARCHAR", "ok, or the code of the reject"),
    "source": Field("VARCHAR", "where the facts came from"),
    "needs_remote_code": Field(
        "BOOLEAN",
        "whether an engine has to run the repository's own code, as far as config and file names tell; null where unknown",
    ),
    "id_inferred": Field("BOOLEAN", "true where the id was read from the contents and is only a label"),
    "fetched_at": Field("TIMESTAMPTZ", "when the facts were read"),
    "code": Field("VARCHAR", "why the model has no estimate, as a stable word"),
    "message": Field("VARCHAR", "what is wrong and what to do"),
}

_STRUCTURE: dict[str, Field] = {
    "layers": Field("INTEGER", "layers of the language model, or of the group", "layers"),
    "attention_layers": Field("INTEGER", "layers that hold a KV cache of their own", "layers"),
    "moe_layers": Field("INTEGER", "layers with routed experts", "layers"),
    "linear_layers": Field("INTEGER", "state-space, linear-attention and short-convolution layers", "layers"),
    "mla_layers": Field("INTEGER", "layers with latent attention", "layers"),
    "hidden_size": Field("INTEGER", "width of the residual stream"),
    "intermediate_size": Field("INTEGER", "width of the widest dense feed-forward layer; the expert's where all are experts"),
    "moe_intermediate_size": Field("INTEGER", "width of one routed expert"),
    "vocab_size": Field("INTEGER", "rows of the embedding"),
    "attention_type": Field("VARCHAR", "MHA, GQA, MQA, MLA, or none"),
    "attention_heads": Field("INTEGER", "query heads"),
    "kv_heads": Field("INTEGER", "KV heads; 1 for latent attention"),
    "head_dim": Field("INTEGER", "width of one K head"),
    "value_head_dim": Field("INTEGER", "width of one V head"),
    "kv_lora_rank": Field("INTEGER", "width of the latent of MLA"),
    "qk_rope_head_dim": Field("INTEGER", "rotary part cached beside the latent of MLA"),
    "experts": Field("INTEGER", "routed experts of a layer"),
    "experts_per_token": Field("INTEGER", "routed experts that a token uses"),
    "max_position_embeddings": Field("BIGINT", "longest context that the config declares", "tokens"),
    "max_model_len_default": Field("BIGINT", "context that the engine starts with unless asked for another", "tokens"),
    "max_model_len_limit": Field("BIGINT", "longest context that the engine accepts (rope scaling applied)", "tokens"),
    "rotary_values": Field("BIGINT", "sines and cosines in the tables of rotary positions that the engine computes"),
    "kv_bytes_per_token": Field("BIGINT", "KV cache of one token inside every window at 16 bit, all layers", "bytes"),
    "kv_bytes_per_token_unbounded": Field("BIGINT", "part of kv_bytes_per_token that grows without a window", "bytes"),
    "state_bytes_per_sequence": Field("BIGINT", "fixed state of one sequence in linear and state-space layers", "bytes"),
    "layer_group": Field("INTEGER", "number of the group within the architecture, from 0"),
    "kind": Field(
        "VARCHAR",
        "full, sliding, chunked, latent, sparse_index, mamba1, mamba2, gated_delta, linear, short_convolution, shared, none",
    ),
    "kv_bytes_per_token_per_layer": Field("BIGINT", "KV cache of one token in one layer at 16 bit", "bytes"),
    "window_tokens": Field("BIGINT", "tokens beyond which a layer keeps no more; null for all", "tokens"),
    "state_bytes_per_sequence_per_layer": Field("BIGINT", "fixed state of one sequence in one layer", "bytes"),
    "shards_with_tp": Field("BOOLEAN", "whether tensor parallel divides the cache (false for the latent of MLA)"),
    "decode_flops_per_context_token_per_layer": Field(
        "DOUBLE", "attention arithmetic of one new token per context token and layer", "FLOP"
    ),
    "prefill_flops_per_context_token_per_layer": Field(
        "DOUBLE", "attention arithmetic of one prompt token per context token and layer", "FLOP"
    ),
    "flops_per_token": Field("BIGINT", "arithmetic of the active matrices for one token: 2 per parameter", "FLOP"),
}


def _weights() -> dict[str, Field]:
    fields = {
        "sizes_source": Field("VARCHAR", "header (counted from safetensors headers) or derived (from the config alone)"),
        "feature_sources": Field("VARCHAR", "JSON object: feature to header, config, model_type default or derived"),
        "parameters_total": Field("BIGINT", "logical parameters, tied weights once, mtp left out", "parameters"),
        "parameters_text": Field("BIGINT", "parameters_total less vision_audio", "parameters"),
        "parameters_active": Field("BIGINT", "parameters_text less the routed experts a token does not use", "parameters"),
        "parameters_attention_replicated": Field(
            "BIGINT",
            "part of attention that every tensor parallel rank holds (MLA down-projections, index)",
            "parameters",
        ),
        "parameters_kv_projection": Field(
            "BIGINT",
            "part of attention in the K and V projections, replicated when tp exceeds the KV heads",
            "parameters",
        ),
        "weights_bytes": Field("BIGINT", "bytes of all tensors in the files the engine loads, as stored, mtp included", "bytes"),
        "loaded_weights_bytes": Field(
            "BIGINT", "bytes the engine holds: as stored, float32 checkpoints in 16 bit, mtp left out", "bytes"
        ),
        "stored_bytes": Field("BIGINT", "bytes as stored", "bytes"),
        "loaded_bytes": Field("BIGINT", "bytes as the engine holds them", "bytes"),
        "logical_parameters": Field("BIGINT", "parameters after unpacking, scales and zero points not counted", "parameters"),
        "linear_parameters": Field("BIGINT", "of these, in matrices that quantized publications quantize", "parameters"),
        "tensor_group": Field("VARCHAR", "part of the model, one of the tensor groups"),
        "dtype": Field("VARCHAR", "safetensors dtype as stored, of the packed values where weights are packed"),
        "checkpoint_dtype": Field(
            "VARCHAR", "dtype the config declares or most stored bytes have: bfloat16, float16, float32, …"
        ),
        "tied_embeddings": Field("BOOLEAN", "whether the output head shares the embedding"),
        "quantization_method": Field("VARCHAR", "checkpoint's own quantization method, none for 16 and 32 bit"),
        "quantization_bits": Field("DOUBLE", "bits of a quantized weight without scales", "bits"),
        "quantization_group_size": Field("INTEGER", "weights that share a scale; null per channel or tensor", "weights"),
        "quantization_activations": Field("VARCHAR", "activation scheme: none, static, dynamic"),
        "quantization_format": Field("VARCHAR", "storage form within the method, as the checkpoint names it"),
        "quantization_ignored": Field("VARCHAR", "modules left in 16 bit, as a JSON list"),
        "kv_cache_scheme": Field("VARCHAR", "KV cache dtype that the checkpoint asks for; null for auto"),
    }
    for group in TENSOR_GROUPS:
        fields[f"parameters_{group}"] = Field("BIGINT", f"logical parameters in {group}", "parameters")
        fields[f"bytes_{group}"] = Field("BIGINT", f"bytes of {group} as the engine holds them", "bytes")
    for group in QUANTIZABLE_GROUPS:
        fields[f"linear_parameters_{group}"] = Field(
            "BIGINT", f"parameters of {group} in matrices that quantized publications quantize", "parameters"
        )
    return fields


MODEL_COLUMNS: dict[str, Field] = {**_IDENTITY, **_weights(), **_STRUCTURE}
