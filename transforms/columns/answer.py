"""Columns of what is estimated: memory, speed, cost, ranks, and what changed."""

from __future__ import annotations

from transforms.columns.field import Field


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
        "precision_standing": Field("INTEGER", "0 the checkpoint as it is, 1 made by the engine or published, 2 to be made"),
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
        for name in _ALSO_BY_OBJECTIVE:
            whole = fields[name]
            fields[f"{objective}_{name}"] = Field(whole.type, f"{whole.meaning}, in the {objective} layout", whole.unit)
    return fields


_ALSO_BY_OBJECTIVE = (
    "verdict",
    "memory_used_gib_per_gpu",
    "weights_gib_per_gpu",
    "kv_cache_gib_per_gpu",
    "max_context",
    "max_sequences",
    "batch_per_replica",
    "single_stream_ttft_ms",
    "single_stream_tpot_ms",
    "bound_by",
    "calibration",
    "within_slo",
    "vllm_arguments",
)
"""Figures that are kept for the layout of each objective, beside those that are published for it."""

_OTHER_TOOLS: dict[str, Field] = {
    "vllm_fits": Field("BOOLEAN", "whether the engine starts on one machine with the checkpoint as it is"),
    "vllm_verdict": Field("VARCHAR", "fits or tight; null where it does not start"),
    "vllm_memory_gib_per_gpu": Field("DOUBLE", "memory of the balanced layout, one request of the context", "GiB"),
    "vllm_allowed_gib_per_gpu": Field("DOUBLE", "memory that the engine may use", "GiB"),
    "vllm_max_context": Field("BIGINT", "longest single request that fits", "tokens"),
    "vllm_max_sequences": Field("BIGINT", "requests of the context that fit at once on the machine", "sequences"),
    "vllm_tp": Field("INTEGER", "tensor parallel degree of the balanced layout", "GPUs"),
    "vllm_pp": Field("INTEGER", "pipeline parallel stages of the balanced layout", "stages"),
    "vllm_dp": Field("INTEGER", "data parallel replicas of the balanced layout", "replicas"),
    "kaito_fits": Field("BOOLEAN", "whether one machine is enough by the KAITO guide; null where it has no answer"),
    "kaito_gpus_needed": Field("BIGINT", "accelerators by the KAITO guide", "GPUs"),
    "kaito_nodes_needed": Field("BIGINT", "machines by the KAITO guide", "machines"),
    "kaito_max_tokens": Field("BIGINT", "longest sequence on those machines by the KAITO guide", "tokens"),
    "lmi_fits": Field("BOOLEAN", "whether a sequence of the context fits by the LMI guide; null where it has no answer"),
    "lmi_memory_gb": Field("DOUBLE", "weights and one sequence by the LMI guide", "GB"),
    "lmi_available_gb": Field("DOUBLE", "memory of all accelerators as the LMI guide counts it", "GB"),
    "lmi_batch_size": Field("BIGINT", "sequences of the context that fit by the LMI guide", "sequences"),
    "aqua_fits": Field("BOOLEAN", "whether the AQUA tool's answer holds the context; null where it has none"),
    "aqua_memory_gb": Field("DOUBLE", "memory that the AQUA tool counts, in its own precision and context", "GB"),
    "aqua_available_gb": Field("DOUBLE", "memory of all accelerators as the AQUA tool counts it", "GB"),
    "aqua_quantization": Field("VARCHAR", "weight precision that the AQUA tool chooses"),
    "aqua_max_context": Field("BIGINT", "context that the AQUA tool chooses", "tokens"),
    "accelerators": Field("VARCHAR", "accelerators of the instance, as count x name"),
    "weights_gb": Field("DOUBLE", "weights of the sample model in half precision", "GB"),
    "sequence_gb": Field("DOUBLE", "cache of one sequence of the longer example length", "GB"),
    "batch_low": Field("BIGINT", "sequences of the longer example length that fit beside the weights", "sequences"),
    "batch_high": Field("BIGINT", "sequences of the shorter example length that fit beside the weights", "sequences"),
}
"""Columns of the comparison with other tools' rules."""

ANSWER_COLUMNS: dict[str, Field] = {**_answers(), **_OTHER_TOOLS}
