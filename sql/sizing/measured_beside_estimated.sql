-- measured_beside_estimated: one row per measured concurrency of a known model on a known GPU: each measured figure, the
-- estimate for the very same configuration and load, and measured over estimated.
with

levels as (
    select
        sweeps.run || '/' || measurements.concurrency as id,
        sweeps.run,
        sweeps.started_at,
        measurements.*
    from measurements
    inner join sweeps using (run)
    where not measurements.workflow_interrupted
),

estimates as (
    select *
    from evaluated
    where status = 'ok'
)

select
    levels.run,
    levels.started_at,
    estimates.model_id,
    estimates.gpu,
    estimates.gpu_count::integer as gpu_count,
    estimates.tp::integer as tp,
    estimates.quantization,
    estimates.kv_dtype,
    estimates.engine,
    estimates.engine_version,
    levels.concurrency,
    levels.mean_input_tokens,
    levels.mean_output_tokens,
    'measured' as basis,
    levels.ttft_ms,
    estimates.ttft_ms as estimated_ttft_ms,
    levels.ttft_ms / nullif(estimates.ttft_ms, 0e0) as ttft_ratio,
    levels.tpot_ms,
    estimates.tpot_ms as estimated_tpot_ms,
    levels.tpot_ms / nullif(estimates.tpot_ms, 0e0) as tpot_ratio,
    levels.output_tokens_per_s,
    estimates.output_tokens_per_s as estimated_output_tokens_per_s,
    levels.output_tokens_per_s / nullif(estimates.output_tokens_per_s, 0e0) as output_tokens_ratio
from levels
inner join estimates using (id)
order by levels.run, levels.concurrency;
