-- A row is one architecture on one shape at one weight precision, KV precision and context that fits. Taken from the rows of one model of
-- each architecture, the first by name: models of one architecture have the same figures.
with

representatives as (
    select min(model_id) as model_id
    from models
    group by architecture_key
)

select
    star_key(best.architecture_key) as architecture_id,
    star_key(best.provider || '/' || best.shape) as shape_id,
    best.nodes,
    star_key(best.quantization) as quantization_id,
    star_key(best.kv_dtype) as kv_dtype_id,
    best.context,
    best.tp,
    best.pp,
    best.dp,
    best.ep,
    best.verdict,
    best.memory_used_gib_per_gpu,
    best.memory_allowed_gib_per_gpu,
    best.weights_gib_per_gpu,
    best.kv_cache_gib_per_gpu,
    best.kv_cache_tokens,
    best.max_context,
    best.max_sequences,
    best.batch_per_replica,
    best.slo_users,
    best.ttft_ms,
    best.tpot_ms,
    best.single_stream_ttft_ms,
    best.single_stream_tpot_ms,
    best.output_tokens_per_s,
    best.bound_by,
    best.calibration,
    best.usd_per_hour,
    best.spot_usd_per_hour,
    best.usd_per_million_output_tokens,
    best.spot_usd_per_million_output_tokens,
    best.usd_per_million_total_tokens,
    best.usd_per_user_hour,
    best.cost_output_tokens_per_s,
    best.cost_usd_per_million_output_tokens,
    best.performance_output_tokens_per_s,
    best.performance_usd_per_million_output_tokens,
    best.cost_rank,
    best.performance_rank,
    best.balanced_rank,
    best.on_frontier
from recommendations as best
semi join representatives using (model_id);
