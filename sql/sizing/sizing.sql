-- sizing: one row per metric (LLM latency, workflow runtime): the fits, the GPUs that the target takes, and where there is
-- no such number, which rule says so.
insert into sizing by name
with

targets as (
    select
        metric,
        any_value(target_s) as target_s,
        count(*) filter (left_out is null) as points,
        count(*) filter (left_out = 'interrupted') as interrupted,
        count(*) filter (left_out = 'not_measured') as not_measured,
        count(*) as levels,
        max(concurrency) filter (left_out is null and observed_s <= target_s) as proven_concurrency
    from sizing_points
    group by metric
),

fits as (
    select
        targets.*,
        sizing_targets.target_users,
        sizing_targets.test_gpu_count,
        sizing_targets.gpus_per_replica,
        coalesce(to_json(line_fits.outliers), '[]') as outliers,
        line_fits.slope_s,
        line_fits.intercept_s,
        line_fits.r_squared,
        -- neither does the line rise, nor do the points scatter
        abs(line_fits.slope_s) * (line_fits.highest - line_fits.lowest) <= sizing_setting('flat_rise') * line_fits.mean_y
            and line_fits.spread <= sizing_setting('knee_flat_rise') as is_flat,
        knee_fits.knee_concurrency,
        knee_fits.knee_base_s,
        knee_fits.knee_slope_s,
        knee_fits.knee_r_squared,
        coalesce(knee_fits.preferred, false) as knee_preferred
    from targets
    cross join sizing_targets
    left join line_fits using (metric)
    left join knee_fits using (metric)
),

judged as (
    select
        *,
        case
            when points = 0 and interrupted > 0 then 'all_failed'
            when points = 0 and not_measured = levels then 'not_measured'
            when points = 0 then 'zero_time'
            when points = 1 then 'one_point'
            when target_s is null or target_users is null or test_gpu_count is null then 'no_target'
            when knee_preferred and target_s <= knee_base_s then 'unreachable'
            when knee_preferred then 'estimated'
            when is_flat and proven_concurrency is null then 'unreachable'
            when is_flat then 'flat'
            when r_squared < sizing_setting('noisy_r_squared') then 'noisy'
            when slope_s < 0 then 'falling'
            -- the line's time for a single user is over the target: copies of the GPUs do not make one request faster
            when target_s < intercept_s + slope_s then 'unreachable'
            else 'estimated'
        end as sizing_status
    from fits
),

counted as (
    select
        *,
        if(
            slope_s > 0 and target_s > intercept_s and sizing_status in ('estimated', 'unreachable'),
            concurrency_for_target(target_s, intercept_s, slope_s),
            null
        ) as line_concurrency,
        if(
            knee_slope_s > 0 and target_s > knee_base_s,
            knee_concurrency + concurrency_for_target(target_s, knee_base_s, knee_slope_s),
            null
        ) as knee_target_concurrency
    from judged
),

sized as (
    select
        *,
        gpus_for_users(target_users, line_concurrency, test_gpu_count) as line_gpus,
        gpus_for_users(target_users, knee_target_concurrency, test_gpu_count) as knee_gpus
    from counted
),

answered as (
    select
        sized.*,
        gpu_intervals.gpus_low,
        gpu_intervals.gpus_high,
        if(knee_preferred, 'knee', 'line') as fit,
        if(knee_preferred, knee_gpus, line_gpus) as gpus
    from sized
    left join gpu_intervals using (metric)
)

select
    metric,
    target_s,
    target_users,
    test_gpu_count,
    points,
    outliers,
    slope_s,
    intercept_s,
    r_squared,
    if(knee_preferred, knee_target_concurrency, line_concurrency) as required_concurrency,
    proven_concurrency,
    line_gpus,
    knee_concurrency,
    knee_base_s,
    knee_slope_s,
    knee_r_squared,
    knee_gpus,
    if(sizing_status = 'estimated', fit, null) as fit,
    if(sizing_status = 'estimated', gpus, null) as gpus,
    if(sizing_status = 'estimated', gpus_low, null) as gpus_low,
    if(sizing_status = 'estimated', gpus_high, null) as gpus_high,
    if(sizing_status = 'estimated', whole_gpus(gpus, gpus_per_replica), null)::bigint as whole_gpus,
    gpus_for_users(target_users, proven_concurrency, test_gpu_count) as proven_gpus,
    gpus_per_replica,
    sizing_status
from answered
order by metric;
