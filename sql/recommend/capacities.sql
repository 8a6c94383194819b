-- A row is one replica that starts and holds one request of the full context, with the most requests of the load that it runs within the bounds
-- (one where even a single one misses them) and the times at that many.
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
)

select
    answered_replicas.replica,
    answered_replicas.replica_class,
    answered_replicas.quantization,
    answered_replicas.kv_dtype,
    answered_replicas.verdict,
    answered_replicas.batch_per_replica as capacity,
    request_latency_ms(answered_replicas.ttft_ms, answered_replicas.tpot_ms, answered_replicas.output_tokens) as capacity_latency_ms,
    request_latency_ms(
        answered_replicas.single_stream_ttft_ms, answered_replicas.single_stream_tpot_ms, answered_replicas.output_tokens
    ) as single_latency_ms,
    answered_replicas.single_stream_tpot_ms,
    answered_replicas.output_tokens_per_s,
    within_slo(
        answered_replicas.ttft_ms * if(policy.slo_holds_high_ends, coalesce(intervals.ttft_high, 1), 1),
        answered_replicas.tpot_ms * if(policy.slo_holds_high_ends, coalesce(intervals.tpot_high, 1), 1),
        answered_replicas.input_tokens,
        policy.slo_ttft_ms,
        policy.slo_ttft_ms_per_input_token,
        policy.slo_tpot_ms
    ) as within_slo,
    intervals.rate_low
from answered_replicas
cross join policy_settings as policy
left join speed_intervals as intervals using (calibration);
