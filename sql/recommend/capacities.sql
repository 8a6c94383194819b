-- A row is one replica that starts and holds one request of the full context, with the most requests of the load that it runs
-- within the bounds (one where even a single one misses them), and how long a request takes alone and among that many. held_ttft_ms and held_tpot_ms are what is held against the bounds.
create or replace temp table capacities as
with

bounded as (
    select
        batches.*,
        if(policy.slo_holds_high_ends, coalesce(intervals.ttft_high, 1), 1) as ttft_factor,
        if(policy.slo_holds_high_ends, coalesce(intervals.tpot_high, 1), 1) as tpot_factor,
        policy.slo_ttft_ms + policy.slo_ttft_ms_per_input_token * batches.input_tokens as bound_ttft_ms,
        policy.slo_tpot_ms as bound_tpot_ms,
        intervals.rate_low
    from bounded_batches as batches
    cross join policy_settings as policy
    left join speed_intervals as intervals using (calibration)
),

judged as (
    select
        bounded.*,
        bounded.ttft_ms * bounded.ttft_factor <= bounded.bound_ttft_ms
            and bounded.tpot_ms * bounded.tpot_factor <= bounded.bound_tpot_ms as within_slo,
        doubled.batch as greater_batch,
        doubled.ttft_ms as greater_ttft_ms,
        doubled.tpot_ms as greater_tpot_ms
    from bounded
    left join doubled_batches as doubled using (replica)
),

bounded_exactly as (
    select
        judged.*,
        if(
            judged.within_slo and judged.greater_batch is not null,
            floor(
                least(
                    batch_at_bound(
                        judged.batch,
                        judged.ttft_ms,
                        judged.greater_batch,
                        judged.greater_ttft_ms,
                        judged.bound_ttft_ms / judged.ttft_factor
                    ),
                    batch_at_bound(
                        judged.batch,
                        judged.tpot_ms,
                        judged.greater_batch,
                        judged.greater_tpot_ms,
                        judged.bound_tpot_ms / judged.tpot_factor
                    )
                )
            ),
            judged.batch
        )::bigint as capacity
    from judged
),

timed as (
    select
        bounded_exactly.*,
        (bounded_exactly.capacity - bounded_exactly.batch)
            / nullif(bounded_exactly.greater_batch - bounded_exactly.batch, 0)::double as way_to_greater
    from bounded_exactly
),

latencies as (
    select
        timed.*,
        request_latency_ms(
            timed.ttft_ms + coalesce(timed.way_to_greater * (timed.greater_ttft_ms - timed.ttft_ms), 0),
            timed.tpot_ms + coalesce(timed.way_to_greater * (timed.greater_tpot_ms - timed.tpot_ms), 0),
            timed.output_tokens
        ) as capacity_latency_ms,
        request_latency_ms(timed.single_stream_ttft_ms, timed.single_stream_tpot_ms, timed.output_tokens) as single_latency_ms
    from timed
)

select
    replica,
    replica_class,
    quantization,
    kv_dtype,
    verdict,
    capacity,
    capacity_latency_ms,
    single_latency_ms,
    single_stream_tpot_ms,
    1000e0 * capacity * output_tokens / capacity_latency_ms as output_tokens_per_s,
    within_slo,
    ttft_ms * ttft_factor as held_ttft_ms,
    tpot_ms * tpot_factor as held_tpot_ms,
    bound_ttft_ms,
    bound_tpot_ms,
    rate_low
from latencies;
