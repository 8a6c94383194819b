-- per_concurrency: one row per concurrency of the sweep as the summary table shows it, with rough estimates and alerts.
create or replace table per_concurrency as
with

points as (
    select
        sizing_points.*,
        coalesce(line_points.removed, false) as outlier,
        if(
            sizing_points.left_out is null and not sizing_points.misses_target,
            rough_gpus(
                sizing_targets.target_users,
                sizing_points.concurrency,
                sizing_targets.test_gpu_count,
                sizing_points.observed_s,
                sizing_points.target_s
            ),
            null
        ) as rough_gpus,
        coalesce(line_points.highest and line_fits.highest_deviates, false) as deviating
    from sizing_points
    cross join sizing_targets
    left join line_points
        on line_points.metric = sizing_points.metric
        and line_points.x = sizing_points.concurrency
    left join line_fits
        on line_fits.metric = sizing_points.metric
),

wide as (
    select
        concurrency,
        any_value(run) as run,
        bool_or(workflow_interrupted) as workflow_interrupted,
        bool_or(outlier) filter (metric = 'llm_latency') as outlier_llm_latency,
        bool_or(outlier) filter (metric = 'workflow_runtime') as outlier_workflow_runtime,
        bool_or(deviating) as highest_deviates,
        bool_or(left_out = 'zero_time') as zero_time,
        any_value(observed_s) filter (metric = 'llm_latency') as p95_llm_latency_s,
        any_value(observed_s) filter (metric = 'workflow_runtime') as p95_workflow_runtime_s,
        any_value(out_of_range_items) filter (metric = 'llm_latency') as llm_latency_out_of_range,
        any_value(out_of_range_items) filter (metric = 'workflow_runtime') as workflow_runtime_out_of_range,
        any_value(rough_gpus) filter (metric = 'llm_latency') as rough_gpus_by_llm_latency,
        any_value(rough_gpus) filter (metric = 'workflow_runtime') as rough_gpus_by_workflow_runtime
    from points
    group by concurrency
)

select
    wide.*,
    measurements.passes,
    measurements.items,
    measurements.failed_items,
    measurements.total_runtime_s,
    measurements.ttft_ms,
    measurements.tpot_ms,
    measurements.output_tokens_per_s
from wide
inner join measurements using (run, concurrency)
order by wide.concurrency;
