-- sizing_points: one row per metric and concurrency: the time that stands for it, how many items missed the target, and
-- whether the fit may use it. Where a concurrency was measured more than once, the last whole measurement counts.
create or replace table sizing_points as
with

targets as (
    select * from sizing_targets
),

ranked as (
    select
        measurements.*,
        row_number() over (
            partition by measurements.concurrency
            order by measurements.workflow_interrupted, sweeps.started_at desc, sweeps.run desc
        ) as place
    from measurements
    inner join sweeps using (run)
),

latest as (
    select *
    from ranked
    where place = 1
),

observed as (
    select
        'llm_latency' as metric,
        run,
        concurrency,
        p95_llm_latency_s as observed_s,
        target_llm_latency_s as target_s,
        workflow_interrupted
    from latest, targets
    union all by name
    select
        'workflow_runtime' as metric,
        run,
        concurrency,
        p95_workflow_runtime_s as observed_s,
        target_workflow_runtime_s as target_s,
        workflow_interrupted
    from latest, targets
),

times as (
    select
        run,
        concurrency,
        'llm_latency' as metric,
        llm_latency_s as time_s
    from workflow_items
    where request_status = 'ok'
    union all by name
    select
        run,
        concurrency,
        'workflow_runtime' as metric,
        workflow_runtime_s as time_s
    from workflow_items
    where request_status = 'ok'
),

out_of_range as (
    select
        observed.metric,
        observed.concurrency,
        count(*) filter (times.time_s > observed.target_s) as out_of_range_items
    from observed
    inner join times using (metric, run, concurrency)
    where times.time_s is not null and observed.target_s is not null
    group by all
)

select
    observed.*,
    out_of_range.out_of_range_items,
    coalesce(out_of_range.out_of_range_items > 0, false) or coalesce(observed.observed_s > observed.target_s, false)
        as misses_target,
    case
        when observed.workflow_interrupted then 'interrupted'
        when observed.observed_s is null then 'not_measured'
        when not isfinite(observed.observed_s) or observed.observed_s <= 0 then 'zero_time'
    end as left_out
from observed
left join out_of_range using (metric, concurrency)
order by observed.metric, observed.concurrency;
