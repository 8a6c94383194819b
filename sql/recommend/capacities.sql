-- A row is one replica that starts and holds one request of the full context, with the most requests of the load that it runs
-- within the bounds (one where even a single one misses them), and how long a request takes alone and among that many.
-- held_ttft_ms and held_tpot_ms are what is held against the bounds.
create or replace temp table capacities as
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
),

answered_replicas as (
    from answered('served_replicas')
),

held as (
    select
        replicas.*,
        replicas.ttft_ms * if(policy.slo_holds_high_ends, coalesce(intervals.ttft_high, 1), 1) as held_ttft_ms,
        replicas.tpot_ms * if(policy.slo_holds_high_ends, coalesce(intervals.tpot_high, 1), 1) as held_tpot_ms,
        policy.slo_ttft_ms + policy.slo_ttft_ms_per_input_token * replicas.input_tokens as bound_ttft_ms,
        policy.slo_tpot_ms as bound_tpot_ms,
        intervals.rate_low
    from answered_replicas as replicas
    cross join policy_settings as policy
    left join speed_intervals as intervals using (calibration)
)

select
    replica,
    replica_class,
    quantization,
    kv_dtype,
    verdict,
    batch_per_replica as capacity,
    request_latency_ms(ttft_ms, tpot_ms, output_tokens) as capacity_latency_ms,
    request_latency_ms(single_stream_ttft_ms, single_stream_tpot_ms, output_tokens) as single_latency_ms,
    single_stream_tpot_ms,
    output_tokens_per_s,
    held_ttft_ms <= bound_ttft_ms and held_tpot_ms <= bound_tpot_ms as within_slo,
    held_ttft_ms,
    held_tpot_ms,
    bound_ttft_ms,
    bound_tpot_ms,
    rate_low
from held;
