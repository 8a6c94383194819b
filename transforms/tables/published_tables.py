"""Tables and views of the published database that are for readers, beside the facts and the catalogs."""

from __future__ import annotations

from transforms.tables.table import table, without

_BALANCED = """architecture_key provider shape nodes gpu gpu_count quantization kv_dtype context tp pp dp ep verdict
    memory_used_gib_per_gpu memory_allowed_gib_per_gpu weights_gib_per_gpu activation_gib_per_gpu non_torch_gib_per_gpu
    cuda_graphs_gib_per_gpu kv_cache_gib_per_gpu band_gib kv_cache_tokens max_context max_sequences batch_per_replica slo_users
    ttft_ms? ttft_low_ms? ttft_high_ms? tpot_ms? tpot_low_ms? tpot_high_ms? single_stream_ttft_ms? single_stream_tpot_ms?
    output_tokens_per_s? output_low_tokens_per_s? output_high_tokens_per_s? bound_by? calibration?"""
"""An architecture on a shape, in the balanced layout."""

_PRICED = """usd_per_hour? spot_usd_per_hour? price_region? price_as_of? price_stale? usd_per_million_output_tokens?
    spot_usd_per_million_output_tokens? usd_per_million_total_tokens? usd_per_user_hour?"""

_RANKED = "cost_rank performance_rank balanced_rank on_frontier dominated_by?"

_OFFERED = "tp pp dp ep output_tokens_per_s? ttft_ms? tpot_ms? usd_per_million_output_tokens?"
"""Of the layouts of the other objectives, what is published."""

_KEPT = """tp pp dp ep verdict memory_used_gib_per_gpu weights_gib_per_gpu kv_cache_gib_per_gpu max_context max_sequences
    batch_per_replica ttft_ms? tpot_ms? single_stream_ttft_ms? single_stream_tpot_ms? output_tokens_per_s? bound_by? calibration?
    within_slo? usd_per_million_output_tokens? vllm_arguments"""
"""Of the layouts of the other objectives, what is kept, so that an answer by any objective reads one table alone."""


def _of_objectives(columns: str) -> str:
    """Columns of a layout for each of the other objectives."""
    return " ".join(f"{objective}_{column}" for objective in ("cost", "performance") for column in columns.split())


_OFFERS = f"{_BALANCED} {_PRICED} {_of_objectives(_OFFERED)} {_RANKED} policy reason? vllm_arguments"

_OFFER_KEY = "provider shape nodes quantization kv_dtype context"

_BEST = """quantization context shape_kind provider shape nodes gpu gpu_count kv_dtype tp pp dp ep verdict memory_used_gib_per_gpu
    memory_allowed_gib_per_gpu max_context slo_users ttft_ms? tpot_ms? single_stream_ttft_ms? single_stream_tpot_ms?
    output_tokens_per_s? within_slo? usd_per_hour? price_as_of? price_age_days? price_stale? usd_per_million_output_tokens?
    usd_per_user_hour? on_frontier dominated_by? reason? vllm_arguments"""

PUBLISHED = (
    table(
        "recommendations",
        "one model on one shape at one quantization, KV precision and context that fits: best layouts, figures, ranks",
        f"model_id {_OFFERS}",
        f"model_id {_OFFER_KEY}",
        is_view=True,
        to_parquet=True,
        exported=True,
        per_model=True,
        sorted_by="model_id context quantization kv_dtype provider shape nodes",
        row_group_rows=122_880,
    ),
    table(
        "architecture_recommendations",
        """one architecture on one shape at one quantization, KV precision and context that fits, with the figures of all three
        objectives' layouts; models join by architecture_key. The Parquet files of this name have the columns of
        architecture_offers""",
        f"{_BALANCED} within_slo? {_PRICED} {_of_objectives(_KEPT)} {_RANKED} reason? vllm_arguments",
        f"architecture_key {_OFFER_KEY}",
    ),
    table(
        "architecture_offers",
        "one architecture on one shape at one quantization, KV precision and context that fits, as recommendations say it",
        _OFFERS,
        f"architecture_key {_OFFER_KEY}",
        is_view=True,
    ),
    table(
        "best_shapes",
        "the best shape of one kind for one model at one quantization and context, in the layout of that kind",
        f"model_id {_BEST}",
        "model_id quantization context shape_kind",
        is_view=True,
        to_parquet=True,
        exported=True,
        per_model=True,
        of_the_day=True,
    ),
    table(
        "architecture_best_shapes",
        "the best shape of one kind for one architecture at one quantization and context; models join by architecture_key",
        f"architecture_key {without(_BEST, 'price_age_days')}",
        "architecture_key quantization context shape_kind",
    ),
    table(
        "quantized_checkpoints",
        """one repository that publishes a model in another precision: crawled, and tagged by the Hub as quantized from the model,
        or catalogued""",
        "model_id quantization checkpoint downloads? source as_of?",
        "model_id checkpoint",
        is_view=True,
        to_parquet=True,
        exported=True,
        sorted_by="model_id quantization checkpoint",
    ),
    table(
        "layouts",
        "one way to spread an engine over one or more machines of a shape, free of any model",
        "provider shape nodes tp pp dp ep gpu_count",
        "provider shape nodes tp pp dp ep",
        to_parquet=True,
    ),
    table(
        "changes",
        "one difference between a published version and the one before",
        "change model_id? provider? shape? quantization? context? was? now?",
        "change model_id provider shape quantization context",
        to_parquet=True,
        exported=True,
        sorted_by="change model_id provider shape quantization context was now",
    ),
    table(
        "fits",
        """one architecture on one shape under one layout at one quantization, KV precision and context of the grid, fitting or
        not: computed when it is asked, so ask for an architecture_key, a shape and a context""",
        """architecture_key provider shape nodes gpu gpu_count tp pp dp ep quantization kv_dtype context layout_valid fits verdict
        outcome reason? weights_gib_per_gpu activation_gib_per_gpu non_torch_gib_per_gpu cuda_graphs_gib_per_gpu
        memory_allowed_gib_per_gpu memory_used_gib_per_gpu kv_cache_gib_per_gpu kv_needed_gib_per_gpu free_gib_per_gpu
        band_gib kv_cache_tokens max_context max_sequences batch_per_replica ttft_ms? tpot_ms? single_stream_ttft_ms?
        single_stream_tpot_ms? output_tokens_per_s? bound_by? calibration? usd_per_hour? usd_per_million_output_tokens?
        usd_per_million_total_tokens?""",
        "architecture_key provider shape nodes tp pp dp ep quantization kv_dtype context",
        is_view=True,
    ),
    table(
        "policy_comparison",
        """one architecture on one shape at one context of the grid, the checkpoint as it is: what the engine and the rules of
        three other tools say of it; ask for an architecture_key and a context""",
        """architecture_key provider shape gpu gpu_count context vllm_fits vllm_verdict? vllm_memory_gib_per_gpu?
        vllm_allowed_gib_per_gpu? vllm_max_context? vllm_max_sequences? vllm_tp? vllm_pp? vllm_dp? kaito_fits?
        kaito_gpus_needed? kaito_nodes_needed? kaito_max_tokens? lmi_fits? lmi_memory_gb? lmi_available_gb? lmi_batch_size?
        aqua_fits? aqua_memory_gb? aqua_available_gb? aqua_quantization? aqua_max_context?""",
        "architecture_key provider shape context",
        is_view=True,
    ),
    table(
        "layout_checks",
        "one architecture at one quantization under one layout of the grid, and whether the engine accepts it",
        "architecture_key quantization tp pp dp ep layout_valid reason?",
        "architecture_key quantization tp pp dp ep",
        is_view=True,
    ),
    table(
        "lmi_instance_table",
        "one sample model of one row of the LMI guide's instance table, by our arithmetic and by the guide",
        """parameters_billion shape accelerators memory_gb sample_model sample_parameters_billion weights_gb kv_bytes_per_token?
        sequence_gb? batch_low? batch_high? guide_batch_low guide_batch_high note?""",
        "parameters_billion shape sample_model",
        is_view=True,
    ),
    table(
        "shape_prices",
        "one shape and its prices for one machine on the day of asking",
        "provider shape usd_per_hour? spot_usd_per_hour? price_region? price_as_of? price_stale?",
        "provider shape",
        is_view=True,
    ),
    table(
        "shape_remarks",
        "one shape that is listed but never recommended, and why",
        "provider shape gpu gpu_count? not_recommended_reason",
        "provider shape",
        is_view=True,
    ),
    table(
        "speed_intervals",
        "one calibration class and the factors on its estimates between which most real runs lie",
        "calibration interval_share tpot_low tpot_high ttft_low ttft_high rate_low rate_high",
        "calibration",
        is_view=True,
    ),
    table("publication", "the version: when it was made", "published_on", ""),
)
