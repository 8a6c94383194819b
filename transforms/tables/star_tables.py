"""Tables of the star schema that BI tools take: dimensions first, then the facts."""

from __future__ import annotations

from transforms.tables.table import table

STAR = (
    table(
        "dim_shape",
        "one shape with its provider, its accelerator and its prices for one machine",
        """shape_id provider provider_name shape accelerator gpu vendor gpu_name gpu_architecture memory_bandwidth_gb_per_s?
        gpu_count? memory_gib_per_gpu? vcpu? host_memory_gib? interconnect_kind? interconnect_gb_per_s?
        network_gb_per_s? usd_per_hour? spot_usd_per_hour? price_region? price_as_of? price_stale?
        not_recommended_reason?""",
        "shape_id",
    ),
    table(
        "dim_architecture",
        "one distinct architecture, which one or many models have",
        """architecture_id architecture_key architecture_class? model_type models parameters_total parameters_active weights_bytes
        checkpoint_dtype quantization_method quantization_bits? attention_type layers experts experts_per_token
        max_position_embeddings max_model_len_default max_model_len_limit kv_bytes_per_token state_bytes_per_sequence
        sizes_source""",
        "architecture_id",
    ),
    table(
        "dim_model",
        "one model; its architecture joins it to the facts",
        """model_id architecture_id author? license? gated? downloads? likes? last_modified? pipeline_tag? base_model?
        needs_remote_code? source fetched_at""",
        "model_id",
    ),
    table(
        "dim_quantization",
        "one weight precision",
        """quantization_id quantization bits_per_weight? weight_bytes? applies_to arithmetic quality_rank engine_arguments?""",
        "quantization_id",
    ),
    table(
        "dim_kv_dtype",
        "one precision of the KV cache",
        "kv_dtype_id kv_dtype kv_bytes_factor engine_arguments?",
        "kv_dtype_id",
    ),
    table(
        "dim_context",
        "one context length, which is its own key",
        "context on_ladder",
        "context",
    ),
    table(
        "fact_recommendation",
        """one architecture on one shape at one quantization, KV precision and context that fits, with the balanced layout""",
        """architecture_id shape_id nodes quantization_id kv_dtype_id context tp pp dp ep verdict memory_used_gib_per_gpu
        memory_allowed_gib_per_gpu weights_gib_per_gpu kv_cache_gib_per_gpu kv_cache_tokens max_context max_sequences
        batch_per_replica slo_users ttft_ms? tpot_ms? single_stream_ttft_ms? single_stream_tpot_ms? output_tokens_per_s?
        bound_by? calibration? usd_per_hour? spot_usd_per_hour? usd_per_million_output_tokens?
        spot_usd_per_million_output_tokens? usd_per_million_total_tokens? usd_per_user_hour? cost_output_tokens_per_s?
        cost_usd_per_million_output_tokens? performance_output_tokens_per_s? performance_usd_per_million_output_tokens?
        cost_rank performance_rank balanced_rank on_frontier""",
        "architecture_id shape_id nodes quantization_id kv_dtype_id context",
    ),
)
