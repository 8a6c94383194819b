-- gpu_intervals: one row per metric: a bootstrap interval of the GPU count for the fit that the answer rests on.
-- Residuals of the fit, scaled by leverage, are dealt out again to its points and the fit is repeated (Efron, Tibshirani 1993,
-- ch. 9). The deal is a hash of replicate and point, so the same measurements always give the same interval. A replicate in
-- which no number of GPUs meets the target counts as infinitely many.
create or replace table gpu_intervals as
with

points as (
    select
        line_points.metric,
        line_points.x,
        line_points.y,
        coalesce(knee_fits.preferred, false) as knee,
        if(coalesce(knee_fits.preferred, false), greatest(line_points.x - knee_fits.knee_concurrency, 0e0), line_points.x) as u
    from line_points
    left join knee_fits using (metric)
    where not line_points.removed
),

fitted as (
    select
        *,
        count(*) over by_metric as n,
        row_number() over (partition by metric order by x) - 1 as place,
        regr_intercept(y, u) over by_metric + regr_slope(y, u) over by_metric * u as predicted,
        leverage(count(*) over by_metric, u, avg(u) over by_metric, regr_sxx(y, u) over by_metric) as lever
    from points
    window by_metric as (partition by metric)
    qualify count(*) over by_metric >= sizing_setting('bootstrap_min_points')
),

residuals as (
    select
        metric,
        place,
        (y - predicted) / sqrt(greatest(1 - lever, 1e-3)) as residual
    from fitted
),

centred as (
    select
        metric,
        place,
        residual - avg(residual) over (partition by metric) as residual
    from residuals
),

replicates as (
    select
        fitted.metric,
        replicate,
        fitted.knee,
        fitted.x,
        fitted.predicted + centred.residual as y
    from fitted, range(getvariable('sizing').bootstrap_replicates) as deal(replicate)
    inner join centred
        on centred.metric = fitted.metric
        and centred.place = (hash(replicate, fitted.place, fitted.metric) % fitted.n)::bigint
),

line_replicates as (
    select
        metric,
        replicate,
        regr_intercept(y, x) as base,
        regr_slope(y, x) as slope,
        0e0 as knee
    from replicates
    where not knee
    group by all
),

knees as (
    select
        metric,
        -- every other candidate of the knee fit: the interval needs the spread, not the last digit
        x + (next_x - x) * step / 8 as knee
    from (
        select
            metric,
            x,
            lead(x) over (partition by metric order by x) as next_x,
            place,
            n
        from fitted
        where knee
    ), range(8) as steps(step)
    where place + 1 between sizing_setting('knee_flat_points') and n - 2
),

hinges as (
    select
        replicates.metric,
        replicates.replicate,
        knees.knee,
        regr_intercept(replicates.y, greatest(replicates.x - knees.knee, 0e0)) as base,
        regr_slope(replicates.y, greatest(replicates.x - knees.knee, 0e0)) as slope,
        regr_r2(replicates.y, greatest(replicates.x - knees.knee, 0e0)) as r_squared
    from replicates
    inner join knees using (metric)
    where replicates.knee
    group by all
),

knee_replicates as (
    select
        metric,
        replicate,
        base,
        slope,
        knee
    from hinges
    qualify row_number() over (partition by metric, replicate order by r_squared desc, knee) = 1
),

gpus as (
    select
        fits.metric,
        if(
            fits.slope > 0 and targets.target_s > fits.base,
            gpus_for_users(
                sizing_targets.target_users,
                fits.knee + concurrency_for_target(targets.target_s, fits.base, fits.slope),
                sizing_targets.test_gpu_count
            ),
            'infinity'::double
        ) as gpus
    from (from line_replicates union all by name from knee_replicates) as fits
    inner join (select distinct metric, target_s from sizing_points) as targets using (metric)
    cross join sizing_targets
    where targets.target_s is not null and sizing_targets.target_users is not null
),

bounds as (
    select
        metric,
        quantile_disc(gpus, getvariable('sizing').interval_low) as low,
        quantile_disc(gpus, getvariable('sizing').interval_high) as high
    from gpus
    group by metric
)

select
    metric,
    if(isfinite(low), low, null) as gpus_low,
    if(isfinite(high), high, null) as gpus_high
from bounds;
