-- knee_fits: one row per metric: the saturation fit, flat at `knee_base_s` up to `knee_concurrency` and rising by
-- `knee_slope_s` per user beyond it, and whether it is to be preferred to the line.
-- A closed system of m servers with service time S is exactly that: S up to m users, S/m per user beyond.
create or replace table knee_fits as
with

points as (
    select
        metric,
        concurrency::double as x,
        observed_s as y
    from sizing_points
    where left_out is null
),

placed as (
    select
        *,
        lead(x) over (partition by metric order by x) as next_x,
        row_number() over (partition by metric order by x) as place,
        count(*) over (partition by metric) as n
    from points
),

candidates as (
    select
        placed.metric,
        placed.x + (placed.next_x - placed.x) * step / getvariable('sizing').knee_steps as knee
    from placed, range(getvariable('sizing').knee_steps) as steps(step)
    where placed.place between sizing_setting('knee_flat_points') and placed.n - 2
),

hinges as (
    select
        candidates.metric,
        candidates.knee,
        regr_intercept(points.y, greatest(points.x - candidates.knee, 0e0)) as base,
        regr_slope(points.y, greatest(points.x - candidates.knee, 0e0)) as slope,
        regr_r2(points.y, greatest(points.x - candidates.knee, 0e0)) as r_squared,
        max(points.y) filter (points.x <= candidates.knee) - min(points.y) filter (points.x <= candidates.knee) as flat_rise,
        avg(points.y) filter (points.x <= candidates.knee) as flat_mean,
        max(points.y) - min(points.y) as whole_rise
    from candidates
    inner join points using (metric)
    group by all
),

best as (
    select *
    from hinges
    qualify row_number() over (partition by metric order by r_squared desc, knee) = 1
),

lines as (
    select
        metric,
        count(*) as n,
        regr_r2(y, x) as r_squared
    from points
    group by metric
)

select
    best.metric,
    best.knee as knee_concurrency,
    best.base as knee_base_s,
    best.slope as knee_slope_s,
    best.r_squared as knee_r_squared,
    coalesce(
        lines.n >= sizing_setting('knee_min_points')
        and best.slope > 0
        and best.base > 0
        and best.flat_rise <= greatest(
            sizing_setting('knee_flat_rise') * best.flat_mean,
            sizing_setting('knee_flat_range') * best.whole_rise
        )
        and 1 - best.r_squared <= sizing_setting('knee_error_share') * (1 - lines.r_squared),
        false
    ) as preferred
from best
inner join lines using (metric);
