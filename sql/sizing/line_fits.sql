-- line_fits: one row per metric: the least-squares line of time on concurrency over the points that were kept.
create or replace table line_fits as
with

kept as (
    select *
    from line_points
    where not removed
),

lines as (
    select
        metric,
        count(*)::integer as points,
        min(x) as lowest,
        max(x) as highest,
        avg(x) as mean_x,
        avg(y) as mean_y,
        (max(y) - min(y)) / nullif(avg(y), 0e0) as spread,
        regr_sxx(y, x) as sxx,
        if(count(*) > 1, regr_slope(y, x), null) as slope_s,
        if(count(*) > 1, regr_intercept(y, x), null) as intercept_s,
        -- times that do not vary leave nothing to explain
        if(count(*) > 1 and regr_syy(y, x) > 1e-18 * avg(y) * avg(y), regr_r2(y, x), null) as r_squared,
        regr_syy(y, x) * (1 - regr_r2(y, x)) as squared_error
    from kept
    group by metric
),

deviating as (
    select
        kept.metric,
        studentized_deviation(
            kept.y - lines.intercept_s - lines.slope_s * kept.x,
            leverage(lines.points, kept.x, lines.mean_x, lines.sxx),
            lines.squared_error,
            lines.points
        ) > sizing_setting('outlier_deviation') and lines.r_squared < sizing_setting('outlier_r_squared') as highest_deviates
    from kept
    inner join lines using (metric)
    where kept.highest
),

removed as (
    select
        metric,
        list(x::bigint order by x) as outliers
    from line_points
    where removed
    group by metric
)

select
    lines.*,
    coalesce(removed.outliers, []) as outliers,
    deviating.highest_deviates
from lines
inner join deviating using (metric)
left join removed using (metric);
