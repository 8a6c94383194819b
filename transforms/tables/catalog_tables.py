"""Tables of the bundled catalogs: hardware, prices, precisions, engines, policies."""

from __future__ import annotations

from transforms.tables.table import table

GPU_COLUMNS = """gpu vendor name gpu_architecture generation compute_capability? capability? memory_gib? driver_memory_gib?
    reported_memory_gib? reported_memory_basis memory_bandwidth_gb_per_s? fp16_tflops? bf16_tflops? fp8_tflops?
    int8_tops? fp4_tflops? achievable_bf16_tflops? achievable_fp8_tflops? link_type? link_gb_per_s? link_domain_gpus?
    pcie_gb_per_s? source as_of? note?"""
"""Also those of the view `gpu_speeds`."""

CATALOGS = (
    table(
        "providers",
        "one provider of shapes",
        "provider provider_name source as_of?",
        "provider",
        exported=True,
    ),
    table(
        "gpus",
        "one accelerator: its memory and peak rates",
        GPU_COLUMNS,
        "gpu",
        exported=True,
        never_empty=True,
    ),
    table(
        "gpu_aliases",
        "one spelling of an accelerator",
        "alias gpu source as_of? assumption?",
        "alias",
    ),
    table(
        "shapes",
        "one machine type of one provider: its hardware, never its price",
        """provider shape accelerator gpu gpu_count? memory_gib_per_gpu? provider_memory_gib_per_gpu? driver_memory_gib_per_gpu?
        vcpu? host_memory_gib? interconnect? interconnect_kind? interconnect_gb_per_s? network_gb_per_s? source as_of?
        note?""",
        "provider shape",
        exported=True,
        never_empty=True,
    ),
    table(
        "prices",
        "one price of one shape",
        "provider shape price_kind usd_per_hour? price_region? price_as_of? source note?",
        "provider shape price_kind",
        exported=True,
    ),
    table(
        "price_sources",
        "one machine-readable price list of one provider in one region",
        "provider price_region list_format url key_variable? key_help? source as_of",
        "provider price_region",
        exported=True,
    ),
    table(
        "price_parts",
        "one part that one shape is billed by, where the provider's price list has parts rather than machines",
        "provider shape part part_unit part_quantity source as_of",
        "provider shape part",
    ),
    table(
        "unsold_prices",
        "one kind of price that a provider's list names and nobody can buy at",
        "provider shape price_kind source as_of note?",
        "provider shape price_kind",
    ),
    table(
        "quantizations",
        "one weight precision that a configuration may ask for",
        """quantization bits_per_weight? weight_bytes? applies_to shard_multiple? min_capability? max_capability? amd_supported
        arithmetic speed_class nightly quality_rank known_loss? loss_source? engine_arguments? source as_of? note?""",
        "quantization",
        exported=True,
    ),
    table(
        "quantization_aliases",
        "another name of a weight precision",
        "alias quantization source",
        "alias",
    ),
    table(
        "known_checkpoints",
        "one repository that publishes a model in another precision",
        "model_id quantization checkpoint source as_of",
        "model_id checkpoint",
    ),
    table(
        "quantization_support",
        "whether an engine runs a quantization method on an accelerator generation",
        """engine method applies_to bits? scheme? target compute_capability? supported mode? versions? note? source as_of?""",
        "engine method applies_to target compute_capability scheme versions",
    ),
    table(
        "kv_dtypes",
        "one precision of the KV cache",
        "kv_dtype kv_bytes_factor min_capability? nightly engine_arguments? source",
        "kv_dtype",
    ),
    table(
        "engines",
        "one setting of an engine over a range of its releases",
        "engine version_from version_below? scope key value unit basis source as_of?",
        "engine version_from scope key",
        exported=True,
    ),
    table(
        "policies",
        "one setting of one rule set for fit and choice",
        "policy key value unit basis source as_of?",
        "policy key",
        exported=True,
    ),
    table(
        "model_types",
        "one model_type whose config a library reads without code of the repository",
        "model_type library library_version source as_of",
        "model_type",
    ),
    table(
        "contexts",
        "one context length of the nightly grid",
        "context source",
        "context",
        exported=True,
        never_empty=True,
    ),
    table(
        "workloads",
        "one kind of load: what a request looks like and what its user expects",
        "workload input_tokens output_tokens cached_share target_ttft_ms target_tpot_ms source as_of?",
        "workload",
        exported=True,
    ),
    table(
        "speed_coefficients",
        "one coefficient of the speed formulas",
        "scope key name value basis source as_of?",
        "scope key name",
    ),
    table(
        "sizing_settings",
        "one setting of the rules that fit a concurrency sweep",
        "key value unit basis source as_of?",
        "key",
    ),
    table(
        "aqua_shapes",
        "one OCI shape as the aqua policy ranks it",
        """shape catalog_shape? accelerator gpu_count memory_gib memory_gb cost_rank performance_rank cost_rank_value
        performance_rank_value quantization_methods source as_of note?""",
        "shape",
    ),
    table(
        "lmi_guide",
        "one sample model of one row of the LMI guide's instance table",
        """parameters_billion shape sample_model sample_parameters_billion layers? hidden_size? guide_batch_low guide_batch_high
        source as_of note?""",
        "parameters_billion shape sample_model",
    ),
)
