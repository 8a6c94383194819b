-- The replicas of the grid that start, and their figures: takes the name of a table as usable_replicas returns it, times
-- kv_dtype, context, input_tokens and output_tokens. Speed is at the best batch within the default SLO and at one request, for
-- one replica.
create or replace macro started_replicas(offers) as table
with

loaded_offers as (
    select
        *,
        null::bigint as concurrency,
        0e0 as cached_share
    from query_table(offers)
),

served_offers as (
    select *, null::double as usd_per_hour
    from served('loaded_offers')
    where fits
)

select
    architecture_key,
    quantization,
    quality_rank,
    kv_dtype,
    context,
    replica_class,
    nodes,
    verdict,
    memory_used_gib_per_gpu,
    memory_allowed_gib_per_gpu,
    weights_gib_per_gpu,
    activation_gib_per_gpu,
    non_torch_gib_per_gpu,
    cuda_graphs_gib_per_gpu,
    kv_cache_gib_per_gpu,
    band_gib,
    kv_cache_tokens,
    max_context,
    max_sequences,
    max_num_seqs,
    max_num_batched_tokens,
    batch_per_replica,
    ttft_ms,
    tpot_ms,
    single_stream_ttft_ms,
    single_stream_tpot_ms,
    output_tokens_per_s,
    bound_by,
    calibration
from answered('served_offers');
