-- measurements: percentiles of an imported concurrency that came with its items and without their percentiles.
update measurements
set
    p95_llm_latency_s = coalesce(measurements.p95_llm_latency_s, figures.p95_llm_latency_s),
    p95_workflow_runtime_s = coalesce(measurements.p95_workflow_runtime_s, figures.p95_workflow_runtime_s)
from (
    select
        run,
        concurrency,
        quantile_cont(llm_latency_s, getvariable('sizing').latency_quantile) as p95_llm_latency_s,
        quantile_cont(workflow_runtime_s, getvariable('sizing').latency_quantile) as p95_workflow_runtime_s
    from workflow_items
    where request_status = 'ok'
        and (run, concurrency) not in (select (run, concurrency) from sweep_levels)
    group by all
) as figures
where measurements.run = figures.run and measurements.concurrency = figures.concurrency;
