"""Every column of every table, declared once: its DuckDB type, its unit and its meaning.

The same quantity in the same unit has the same name in every table, so a column is declared here and only named in
`transforms.tables.contracts`. Types are DuckDB's names; GiB is 2^30 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One column's type (DuckDB's name), meaning, and unit (empty for labels and plain counts)."""

    type: str
    meaning: str
    unit: str = ""


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


def _identity() -> dict[str, Field]:
    return {
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


def _structure() -> dict[str, Field]:
    return {
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
        "max_model_len_default": Field("BIGINT", "longest context that the engine derives (rope scaling applied)", "tokens"),
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


def _hardware() -> dict[str, Field]:
    return {
        "gpu": Field("VARCHAR", "accelerator's key in the gpus catalog"),
        "alias": Field("VARCHAR", "another spelling of an accelerator"),
        "assumption": Field("VARCHAR", "what the alias takes for granted"),
        "vendor": Field("VARCHAR", "maker of the accelerator"),
        "name": Field("VARCHAR", "full name"),
        "gpu_architecture": Field("VARCHAR", "maker's name of the chip generation"),
        "generation": Field("VARCHAR", "row of the speed coefficients that holds for the accelerator"),
        "compute_capability": Field("VARCHAR", "CUDA compute capability, AMD gfx target, or the kind of core elsewhere"),
        "capability": Field("DOUBLE", "CUDA compute capability as a number; null elsewhere"),
        "memory_gib": Field("DOUBLE", "memory as catalogued", "GiB"),
        "driver_memory_gib": Field("DOUBLE", "memory that the driver's tool shows", "GiB"),
        "reported_memory_gib": Field("DOUBLE", "memory that the runtime reports to the engine", "GiB"),
        "reported_memory_basis": Field("VARCHAR", "measured, or how reported_memory_gib was derived"),
        "memory_bandwidth_gb_per_s": Field("DOUBLE", "peak memory bandwidth", "GB/s"),
        "fp16_tflops": Field("DOUBLE", "dense float16 peak", "TFLOP/s"),
        "bf16_tflops": Field("DOUBLE", "dense bfloat16 peak", "TFLOP/s"),
        "fp8_tflops": Field("DOUBLE", "dense fp8 peak; null without fp8 arithmetic", "TFLOP/s"),
        "int8_tops": Field("DOUBLE", "dense int8 peak", "TOP/s"),
        "fp4_tflops": Field("DOUBLE", "dense fp4 peak; null without fp4 arithmetic", "TFLOP/s"),
        "achievable_bf16_tflops": Field("DOUBLE", "best bfloat16 rate reached in a search over matrix shapes", "TFLOP/s"),
        "achievable_fp8_tflops": Field("DOUBLE", "best fp8 rate reached in a search over matrix shapes", "TFLOP/s"),
        "link_type": Field("VARCHAR", "link between accelerators of one machine"),
        "link_gb_per_s": Field("DOUBLE", "link bandwidth of one accelerator, one direction", "GB/s"),
        "link_domain_gpus": Field("INTEGER", "accelerators that the link joins", "GPUs"),
        "pcie_gb_per_s": Field("DOUBLE", "PCIe bandwidth, one direction", "GB/s"),
        "provider": Field("VARCHAR", "cloud or catalog that offers the shape"),
        "provider_name": Field("VARCHAR", "provider's full name"),
        "shape": Field("VARCHAR", "provider's name of the machine type"),
        "accelerator": Field("VARCHAR", "accelerator as the provider names it"),
        "gpu_count": Field("DOUBLE", "accelerators; a fraction for shared ones, null where unknown", "GPUs"),
        "memory_gib_per_gpu": Field("DOUBLE", "memory of one accelerator in this shape", "GiB"),
        "provider_memory_gib_per_gpu": Field(
            "DOUBLE",
            "memory of one accelerator, or of the usable share of a fractional one, as the provider's API states it",
            "GiB",
        ),
        "driver_memory_gib_per_gpu": Field("DOUBLE", "driver-visible memory of one accelerator in this shape", "GiB"),
        "vcpu": Field("DOUBLE", "virtual processors of the shape"),
        "host_memory_gib": Field("DOUBLE", "main memory of the shape", "GiB"),
        "interconnect": Field("VARCHAR", "link between the shape's accelerators as the provider states it"),
        "interconnect_kind": Field("VARCHAR", "none, nvlink, nvlink_bridge, pcie, xgmi, other; null where unknown"),
        "interconnect_gb_per_s": Field("DOUBLE", "link bandwidth of one accelerator, one direction", "GB/s"),
        "network_gb_per_s": Field("DOUBLE", "network between machines", "GB/s"),
        "price_kind": Field("VARCHAR", "on_demand or spot"),
        "usd_per_hour": Field("DOUBLE", "price of the whole deployment (of one machine in the prices catalog)", "USD/h"),
        "spot_usd_per_hour": Field("DOUBLE", "spot price of the whole deployment", "USD/h"),
        "price_region": Field("VARCHAR", "region of the price"),
        "price_as_of": Field("DATE", "date of the price; null for undated"),
        "list_format": Field("VARCHAR", "form of a price list: aws_offer_csv, azure_retail, gcp_skus or oci_products"),
        "url": Field("VARCHAR", "address of the price list"),
        "key_variable": Field("VARCHAR", "environment variable with the key that a price list asks for; null for none"),
        "key_help": Field("VARCHAR", "how to get that key; null where none is needed"),
        "part": Field("VARCHAR", "what a machine is billed by, where the price list has parts rather than machines"),
        "part_unit": Field("VARCHAR", "unit that the price list states for the part"),
        "part_quantity": Field("DOUBLE", "how many units of the part one machine is billed for an hour"),
        "price_stale": Field("BOOLEAN", "whether the price is undated or older than the stale-price policy"),
        "as_of": Field("DATE", "date of the fact, or of its reading where the source is undated; null for neither"),
        "note": Field("VARCHAR", "remarks"),
        "catalog_shape": Field("VARCHAR", "the shape's name in the shapes catalog; null where that has no such shape"),
        "memory_gb": Field("DOUBLE", "memory of all accelerators of the shape as the policy counts it", "GB"),
        "parameters_billion": Field("INTEGER", "class of parameter counts, billions"),
        "sample_model": Field("VARCHAR", "model that stands for a class, as the guide names it"),
        "sample_parameters_billion": Field("DOUBLE", "parameters of the sample model, billions"),
        "guide_batch_low": Field("INTEGER", "least batch size that the guide states for the class"),
        "guide_batch_high": Field("INTEGER", "greatest batch size that the guide states for the class"),
        "cost_rank_value": Field("INTEGER", "the policy's own figure for cost, lower is cheaper"),
        "performance_rank_value": Field("INTEGER", "the policy's own figure for speed, higher is faster"),
        "quantization_methods": Field("VARCHAR", "methods that the policy lists for the shape, separated by |"),
        "not_recommended_reason": Field("VARCHAR", "why the shape is listed but never recommended"),
    }


def _engine_catalogs() -> dict[str, Field]:
    return {
        "engine": Field("VARCHAR", "vllm, sglang or trtllm"),
        "engine_version": Field("VARCHAR", "release of the engine"),
        "version_from": Field("VARCHAR", "first release for which the row holds"),
        "version_below": Field("VARCHAR", "first release for which it no longer holds; null for the newest"),
        "quantization": Field("VARCHAR", "weight precision: native, bf16, fp8, int8, awq-4bit, …"),
        "kv_dtype": Field("VARCHAR", "KV cache precision: auto (16 bit), bf16, fp8"),
        "kv_bytes_factor": Field("DOUBLE", "bytes of a KV value over the two of 16 bit", "ratio"),
        "bits_per_weight": Field("DOUBLE", "stored bits of a quantized weight with scales and zero points", "bits"),
        "weight_bytes": Field("DOUBLE", "bytes of a weight as read", "bytes"),
        "applies_to": Field("VARCHAR", "linear (all quantizable groups) or experts (routed experts in MoE models)"),
        "min_capability": Field("DOUBLE", "least CUDA compute capability that loads it"),
        "max_capability": Field("DOUBLE", "greatest CUDA compute capability that runs it; null for no limit"),
        "amd_supported": Field("BOOLEAN", "whether AMD data-centre cards run it"),
        "arithmetic": Field("VARCHAR", "precision of the arithmetic where the card has it: 16bit, fp8, int8, fp4"),
        "shard_multiple": Field(
            "INTEGER", "a GPU's share of a feed-forward width must be a multiple of this; null for no such demand", "weights"
        ),
        "speed_class": Field("VARCHAR", "row of the speed coefficients: 16bit, 8bit, nvfp4, w4a16"),
        "nightly": Field("BOOLEAN", "whether the nightly grid evaluates it"),
        "quality_rank": Field("INTEGER", "order of expected answer quality, 1 is best"),
        "engine_arguments": Field("VARCHAR", "flags that the engine needs for it"),
        "policy": Field(
            "VARCHAR", "vllm, aqua, kaito, lmi or config_recommender; in the catalog also estimate, publish, catalogs and crawl"
        ),
        "key": Field("VARCHAR", "name of the setting or class"),
        "scope": Field("VARCHAR", "kind of the coefficient"),
        "value": Field("DOUBLE", "value of the setting"),
        "unit": Field("VARCHAR", "unit of the value"),
        "basis": Field("VARCHAR", "what the value rests on"),
        "context": Field("BIGINT", "prompt and answer tokens of one sequence (max_model_len)", "tokens"),
        "workload": Field("VARCHAR", "name of the workload"),
        "input_tokens": Field("BIGINT", "prompt tokens of a request", "tokens"),
        "output_tokens": Field("BIGINT", "answer tokens of a request", "tokens"),
        "cached_share": Field("DOUBLE", "share of the prompt found in the prefix cache", "share"),
        "target_ttft_ms": Field("DOUBLE", "bound on the time to the first token", "ms"),
        "target_tpot_ms": Field("DOUBLE", "bound on the time per output token", "ms"),
        "method": Field("VARCHAR", "quantization method"),
        "target": Field("VARCHAR", "accelerator generation"),
        "supported": Field("VARCHAR", "yes, no, weight-only or emulated"),
        "mode": Field("VARCHAR", "how the method runs there"),
        "bits": Field("VARCHAR", "bits as the engine documents them", "bits"),
        "scheme": Field("VARCHAR", "scheme as the engine documents it"),
        "versions": Field("VARCHAR", "releases of the engine that the row describes"),
        "cost_rank": Field("INTEGER", "place by cost, 1 is cheapest"),
        "performance_rank": Field("INTEGER", "place by speed, 1 is fastest"),
        "balanced_rank": Field("INTEGER", "place by speed per dollar, 1 is best"),
    }


def _answers() -> dict[str, Field]:
    fields = {
        "nodes": Field("INTEGER", "machines of the shape", "machines"),
        "tp": Field("INTEGER", "tensor parallel degree", "GPUs"),
        "pp": Field("INTEGER", "pipeline parallel stages", "stages"),
        "dp": Field("INTEGER", "data parallel replicas", "replicas"),
        "ep": Field("INTEGER", "GPUs over which whole experts are spread; 1 when tp splits them", "GPUs"),
        "layout_valid": Field("BOOLEAN", "whether the engine accepts the layout for the architecture"),
        "reason": Field("VARCHAR", "which rule refused, how many GiB are missing, what would fit; null for a plain yes"),
        "verdict": Field("VARCHAR", "fits, tight or does_not_fit"),
        "fits": Field("BOOLEAN", "whether the engine starts and holds one request of the context"),
        "outcome": Field("VARCHAR", "started, refused, oom, kv_too_small or oom_after_kv"),
        "gpu_memory_utilization": Field("DOUBLE", "share of the reported memory that the engine may use", "share"),
        "max_num_seqs": Field("INTEGER", "sequences that the engine schedules at once", "sequences"),
        "max_num_batched_tokens": Field("INTEGER", "tokens of one engine step", "tokens"),
        "memory_allowed_gib_per_gpu": Field("DOUBLE", "utilization times reported memory", "GiB"),
        "memory_used_gib_per_gpu": Field("DOUBLE", "weights, overheads and KV cache of one request of the context", "GiB"),
        "weights_gib_per_gpu": Field("DOUBLE", "weights on the fullest GPU", "GiB"),
        "activation_gib_per_gpu": Field("DOUBLE", "activation peak", "GiB"),
        "non_torch_gib_per_gpu": Field("DOUBLE", "memory outside the framework's allocator", "GiB"),
        "cuda_graphs_gib_per_gpu": Field("DOUBLE", "captured graphs", "GiB"),
        "kv_cache_gib_per_gpu": Field("DOUBLE", "pool left for KV cache and state", "GiB"),
        "kv_needed_gib_per_gpu": Field("DOUBLE", "KV cache and state of one request of the context", "GiB"),
        "free_gib_per_gpu": Field("DOUBLE", "pool less kv_needed; negative is missing", "GiB"),
        "band_gib": Field("DOUBLE", "uncertainty of the pool", "GiB"),
        "kv_cache_tokens": Field("BIGINT", "tokens of KV cache of one replica", "tokens"),
        "max_context": Field("BIGINT", "longest single request that fits, at most the model's own limit", "tokens"),
        "max_sequences": Field("BIGINT", "requests of the context that fit at once in one replica", "sequences"),
        "batch_per_replica": Field("BIGINT", "concurrent requests of one replica at the stated load", "sequences"),
        "concurrency": Field("BIGINT", "concurrent requests of the whole deployment", "sequences"),
        "ttft_ms": Field("DOUBLE", "median time to first token", "ms"),
        "tpot_ms": Field("DOUBLE", "median time per output token", "ms"),
        "ttft_low_ms": Field("DOUBLE", "low end of the interval that holds four of five real times to first token", "ms"),
        "ttft_high_ms": Field("DOUBLE", "high end of that interval", "ms"),
        "tpot_low_ms": Field("DOUBLE", "low end of the interval that holds four of five real times per output token", "ms"),
        "tpot_high_ms": Field("DOUBLE", "high end of that interval", "ms"),
        "output_low_tokens_per_s": Field("DOUBLE", "low end of the interval with four of five real output rates", "tokens/s"),
        "output_high_tokens_per_s": Field("DOUBLE", "high end of that interval", "tokens/s"),
        "single_stream_tpot_ms": Field("DOUBLE", "time per output token at one request", "ms"),
        "single_stream_ttft_ms": Field("DOUBLE", "time to first token at one request", "ms"),
        "output_tokens_per_s": Field("DOUBLE", "output tokens per second of the whole deployment", "tokens/s"),
        "bound_by": Field("VARCHAR", "dominant term: memory_bandwidth, compute, kv_traffic, communication, overhead"),
        "calibration": Field("VARCHAR", "what the speed coefficients rest on: measured, kernel or default"),
        "usd_per_million_output_tokens": Field("DOUBLE", "cost of a million output tokens at the stated load", "USD"),
        "usd_per_million_total_tokens": Field("DOUBLE", "cost of a million prompt and output tokens", "USD"),
        "slo_users": Field("BIGINT", "requests in flight that the deployment carries within the default SLO; 0 where one misses"),
        "usd_per_user_hour": Field("DOUBLE", "cost of an hour of one request always in flight within the default SLO", "USD"),
        "spot_usd_per_million_output_tokens": Field("DOUBLE", "cost of a million output tokens at the spot price", "USD"),
        "price_age_days": Field("INTEGER", "age of the price on the day of publication; null where it is undated", "days"),
        "within_slo": Field("BOOLEAN", "whether the stated load meets the default SLO; false where even one request misses it"),
        "on_frontier": Field("BOOLEAN", "whether nothing of the same model and context is better in every respect"),
        "deployments": Field("BIGINT", "deployments that carry the users asked for at the stated load; 1 where none are"),
        "total_usd_per_hour": Field("DOUBLE", "price of all deployments", "USD/h"),
        "utilization": Field("DOUBLE", "share of all deployments' requests that the users take up; 1 where none are stated"),
        "machines": Field("BIGINT", "machines of all deployments"),
        "requests_per_deployment": Field("DOUBLE", "requests in flight on one deployment under the load", "requests"),
        "requests_per_s": Field("DOUBLE", "requests that all deployments answer in a second under the load", "requests/s"),
        "total_usd_per_month": Field("DOUBLE", "price of all deployments for 730 hours", "USD/month"),
        "usd_per_1000_requests": Field("DOUBLE", "price of a thousand requests under the load", "USD"),
        "place": Field("BIGINT", "place among the answers to a question, the best first"),
        "concurrent_sequences": Field("BIGINT", "requests of full length that a deployment holds at once", "sequences"),
        "needs_checkpoint": Field("BOOLEAN", "whether the engine cannot make the precision itself and needs a checkpoint in it"),
        "dominated_by": Field(
            "VARCHAR",
            "provider/shape/quantization/kv_dtype of the cheapest frontier row that is no worse in any respect and better in one;"
            " null on the frontier and where price or speed is unknown",
        ),
        "shape_kind": Field("VARCHAR", "smallest, cheapest_per_token, fastest, most_users or balanced"),
        "vllm_arguments": Field("VARCHAR", "arguments to paste after `vllm serve`"),
        "change": Field("VARCHAR", "model_added, model_gone, shape_added, shape_gone, fit_gained, fit_lost, price, spot_price"),
        "was": Field("VARCHAR", "value in the version before"),
        "now": Field("VARCHAR", "value in this version"),
    }
    for objective in ("cost", "performance"):
        for degree in ("tp", "pp", "dp", "ep"):
            fields[f"{objective}_{degree}"] = Field("INTEGER", f"{degree} of the {objective} objective's layout")
        fields[f"{objective}_output_tokens_per_s"] = Field("DOUBLE", f"throughput of the {objective} layout", "tokens/s")
        fields[f"{objective}_ttft_ms"] = Field("DOUBLE", f"time to first token of the {objective} layout", "ms")
        fields[f"{objective}_tpot_ms"] = Field("DOUBLE", f"time per output token of the {objective} layout", "ms")
        fields[f"{objective}_usd_per_million_output_tokens"] = Field("DOUBLE", f"token price of the {objective} layout", "USD")
    return fields


def _sizing() -> dict[str, Field]:
    return {
        "run": Field("VARCHAR", "identifier of a measured or imported concurrency sweep"),
        "run_group": Field("VARCHAR", "first run of the sweeps that were appended to one another"),
        "sweep_source": Field("VARCHAR", "measured, calculator, vllm, guidellm, aiperf or csv"),
        "api": Field("VARCHAR", "what was measured: chat, completions or workflow"),
        "served_model": Field("VARCHAR", "model name that the requests asked for"),
        "test_gpu_count": Field("INTEGER", "GPUs that served the sweep", "GPUs"),
        "started_at": Field("TIMESTAMPTZ", "when it was started"),
        "passes": Field("INTEGER", "times that the concurrency's worth of items was sent"),
        "pass_number": Field("INTEGER", "pass in which the item was sent, from 1"),
        "planned_items": Field("BIGINT", "workflow items that were to be sent"),
        "items": Field("BIGINT", "workflow items that ended well"),
        "failed_items": Field("BIGINT", "workflow items that failed"),
        "item": Field("BIGINT", "number of the workflow item within its concurrency, from 1"),
        "dataset_item": Field("VARCHAR", "identifier of the input in the dataset"),
        "call": Field("INTEGER", "number of the request within its workflow item, from 1"),
        "request_kind": Field("VARCHAR", "llm: a call of a language model; workflow: a whole workflow in one request"),
        "request_status": Field("VARCHAR", "ok, failed or cancelled"),
        "http_status": Field("INTEGER", "status code of the answer; null without an answer"),
        "error": Field("VARCHAR", "what went wrong"),
        "start_s": Field("DOUBLE", "start, since its concurrency was started", "s"),
        "first_token_s": Field("DOUBLE", "first token, since the concurrency was started", "s"),
        "last_token_s": Field("DOUBLE", "last token, since the concurrency was started", "s"),
        "end_s": Field("DOUBLE", "end, since the concurrency was started", "s"),
        "request_input_tokens": Field("BIGINT", "prompt tokens that the server counted", "tokens"),
        "request_output_tokens": Field("BIGINT", "answer tokens that the server counted, else the pieces that came", "tokens"),
        "workflow_runtime_s": Field("DOUBLE", "time from sending a workflow item to its answer", "s"),
        "llm_latency_s": Field("DOUBLE", "time of the slowest language-model call of a workflow item", "s"),
        "p95_llm_latency_s": Field("DOUBLE", "95th percentile of the time of a language-model call", "s"),
        "p95_workflow_runtime_s": Field("DOUBLE", "95th percentile of the time of a workflow item", "s"),
        "total_runtime_s": Field("DOUBLE", "time that all items of the concurrency took together", "s"),
        "mean_input_tokens": Field("DOUBLE", "mean prompt tokens of a request", "tokens"),
        "mean_output_tokens": Field("DOUBLE", "mean answer tokens of a request", "tokens"),
        "workflow_interrupted": Field("BOOLEAN", "whether an item failed or the pass was stopped; then the fit leaves it out"),
        "metric": Field("VARCHAR", "llm_latency or workflow_runtime"),
        "target_s": Field("DOUBLE", "greatest acceptable 95th percentile", "s"),
        "target_users": Field("BIGINT", "users to be served at once", "users"),
        "points": Field("INTEGER", "concurrencies that the fit rests on"),
        "outliers": Field("VARCHAR", "concurrencies that the line leaves out, as a JSON list"),
        "slope_s": Field("DOUBLE", "time that one more concurrent user adds", "s"),
        "intercept_s": Field("DOUBLE", "time at concurrency zero by the line", "s"),
        "r_squared": Field("DOUBLE", "share of the times' variance that the line explains", "share"),
        "required_concurrency": Field("DOUBLE", "concurrency at which the test GPUs just meet the target", "users"),
        "proven_concurrency": Field("BIGINT", "highest measured concurrency that met the target", "users"),
        "line_gpus": Field("DOUBLE", "GPUs for the target users by the line", "GPUs"),
        "knee_concurrency": Field("DOUBLE", "concurrency from which times rise, by the saturation fit", "users"),
        "knee_base_s": Field("DOUBLE", "time below the knee", "s"),
        "knee_slope_s": Field("DOUBLE", "time that one more concurrent user adds above the knee", "s"),
        "knee_r_squared": Field("DOUBLE", "share of the times' variance that the saturation fit explains", "share"),
        "knee_gpus": Field("DOUBLE", "GPUs for the target users by the saturation fit", "GPUs"),
        "fit": Field("VARCHAR", "fit that the answer rests on: line or knee"),
        "gpus": Field("DOUBLE", "GPUs for the target users by the fit that the answer rests on", "GPUs"),
        "whole_gpus": Field("BIGINT", "gpus rounded up to whole replicas", "GPUs"),
        "proven_gpus": Field("DOUBLE", "GPUs for the target users by the highest concurrency that met the target", "GPUs"),
        "gpus_per_replica": Field("INTEGER", "GPUs of one copy of the engine", "GPUs"),
        "gpus_low": Field("DOUBLE", "lower end of the interval of gpus", "GPUs"),
        "gpus_high": Field("DOUBLE", "upper end of the interval of gpus; null where it has none", "GPUs"),
        "sizing_status": Field("VARCHAR", "estimated, or why no number of GPUs can be given"),
    }


def _star() -> dict[str, Field]:
    return {
        "architecture_id": Field("BIGINT", "key of the architecture in the star schema: 15 digits of architecture_key's hash"),
        "shape_id": Field("BIGINT", "key of the shape in the star schema: 15 digits of the hash of provider/shape"),
        "quantization_id": Field("BIGINT", "key of the weight precision in the star schema: 15 digits of its name's hash"),
        "kv_dtype_id": Field("BIGINT", "key of the KV precision in the star schema: 15 digits of its name's hash"),
        "models": Field("BIGINT", "models that have the architecture", "models"),
        "gpu_name": Field("VARCHAR", "accelerator's full name"),
        "on_ladder": Field("BOOLEAN", "whether the context is one of the catalogued lengths, not only a model's own maximum"),
    }


FIELDS: dict[str, Field] = {
    **_identity(),
    **_weights(),
    **_structure(),
    **_hardware(),
    **_engine_catalogs(),
    **_answers(),
    **_sizing(),
    **_star(),
}
