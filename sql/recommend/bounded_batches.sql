-- A row is one replica that starts and holds one request of the full context, with the greatest power of two of requests of the
-- load that it runs within the bounds (one where even a single one misses them, the memory's maximum where that meets them) and
-- the times at that many.
create or replace temp table bounded_batches as
with

unbatched as (
    select
        *,
        null::double as concurrency
    from asked_replicas
),

served_replicas as (
    select
        *,
        null::double as usd_per_hour
    from served('unbatched')
    where fits
)

select
    replica,
    replica_class,
    quantization,
    kv_dtype,
    verdict,
    context,
    input_tokens,
    output_tokens,
    batch_limit,
    batch_per_replica as batch,
    ttft_ms,
    tpot_ms,
    single_stream_ttft_ms,
    single_stream_tpot_ms,
    output_tokens_per_s,
    calibration
from answered('served_replicas');
