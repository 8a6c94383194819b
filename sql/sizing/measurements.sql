-- measurements: one row per concurrency of each sweep, from its requests and items, beside what was imported as measured.
-- Percentiles interpolate between neighbours; failed requests and items count as failures and not as times.
insert into measurements by name
with

levels as (
    select * from sweep_levels
),

ok_requests as (
    select
        *,
        end_s - start_s as latency_s,
        first_token_s - start_s as ttft_s,
        (last_token_s - first_token_s) / nullif(request_output_tokens - 1, 0) as tpot_s
    from requests
    where request_status = 'ok'
),

request_figures as (
    select
        run,
        concurrency,
        quantile_cont(latency_s, getvariable('sizing').latency_quantile) filter (request_kind = 'llm') as p95_llm_latency_s,
        median(ttft_s) * 1000 as ttft_ms,
        median(tpot_s) * 1000 as tpot_ms,
        sum(request_output_tokens) as output_tokens,
        avg(request_input_tokens) as mean_input_tokens,
        avg(request_output_tokens) as mean_output_tokens
    from ok_requests
    group by all
),

item_figures as (
    select
        run,
        concurrency,
        count(*) filter (request_status = 'ok') as items,
        count(*) filter (request_status = 'failed') as failed_items,
        quantile_cont(workflow_runtime_s, getvariable('sizing').latency_quantile) filter (request_status = 'ok')
            as p95_workflow_runtime_s,
        max(end_s) as last_end_s
    from workflow_items
    group by all
),

measured as (
    select
        levels.run,
        levels.concurrency,
        levels.passes,
        coalesce(item_figures.items, 0) as items,
        coalesce(item_figures.failed_items, 0) as failed_items,
        request_figures.p95_llm_latency_s,
        item_figures.p95_workflow_runtime_s,
        coalesce(levels.total_runtime_s, item_figures.last_end_s) as total_runtime_s,
        request_figures.ttft_ms,
        request_figures.tpot_ms,
        request_figures.output_tokens / nullif(coalesce(levels.total_runtime_s, item_figures.last_end_s), 0e0)
            as output_tokens_per_s,
        request_figures.mean_input_tokens,
        request_figures.mean_output_tokens,
        levels.workflow_interrupted or coalesce(item_figures.failed_items, 0) > 0 as workflow_interrupted
    from levels
    left join request_figures using (run, concurrency)
    left join item_figures using (run, concurrency)
)

select *
from measured
where not exists (
    select 1
    from measurements as imported
    where imported.run = measured.run and imported.concurrency = measured.concurrency
);
