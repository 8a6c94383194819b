-- A row is the best shape of one kind for one model at one weight precision and context: smallest, cheapest_per_token, fastest, most_users or
-- balanced. A view: kept once per architecture.
create or replace view best_shapes as
select
    models.model_id,
    best.quantization,
    best.context,
    best.shape_kind,
    best.provider,
    best.shape,
    best.nodes,
    best.gpu,
    best.gpu_count,
    best.kv_dtype,
    best.tp,
    best.pp,
    best.dp,
    best.ep,
    best.verdict,
    best.memory_used_gib_per_gpu,
    best.memory_allowed_gib_per_gpu,
    best.max_context,
    best.slo_users,
    best.ttft_ms,
    best.tpot_ms,
    best.single_stream_ttft_ms,
    best.single_stream_tpot_ms,
    best.output_tokens_per_s,
    best.within_slo,
    best.usd_per_hour,
    best.price_as_of,
    price_age_days(best.price_as_of, publication.published_on) as price_age_days,
    best.price_stale,
    best.usd_per_million_output_tokens,
    best.usd_per_user_hour,
    best.on_frontier,
    best.dominated_by,
    best.reason,
    trusted_arguments(best.vllm_arguments, models.needs_remote_code) as vllm_arguments
from models
join architecture_best_shapes as best using (architecture_key)
cross join publication;
