-- line_points: every point that the fits may use, with the round in which the line left it out (null: kept).
-- An outlier is taken out only if the line over all points explains too little (R²), it lies far off the line through the
-- others, and it is not the highest load: that one is what the answer rests on, so it is flagged and kept.
create or replace table line_points as
with recursive

eligible as (
    select
        metric,
        concurrency::double as x,
        observed_s as y,
        concurrency = max(concurrency) over (partition by metric) as highest,
        floor(count(*) over (partition by metric) * sizing_setting('outlier_max_share')) as removable
    from sizing_points
    where left_out is null
),

rounds as (
    select
        *,
        0 as round
    from eligible
    union all
    select
        metric,
        x,
        y,
        highest,
        removable,
        round + 1 as round
    from (
        select
            *,
            max(deviation) filter (not highest) over (partition by metric) as worst
        from (
            select
                *,
                studentized_deviation(y - intercept - slope * x, leverage(n, x, mean_x, sxx), squared_error, n) as deviation
            from (
                select
                    rounds.*,
                    count(*) over by_metric as n,
                    avg(x) over by_metric as mean_x,
                    regr_sxx(y, x) over by_metric as sxx,
                    regr_slope(y, x) over by_metric as slope,
                    regr_intercept(y, x) over by_metric as intercept,
                    regr_r2(y, x) over by_metric as r_squared,
                    regr_syy(y, x) over by_metric * (1 - regr_r2(y, x) over by_metric) as squared_error
                from rounds
                window by_metric as (partition by metric)
            )
        )
    )
    where n >= sizing_setting('outlier_min_points')
        and round < removable
        and r_squared < sizing_setting('outlier_r_squared')
        and worst > sizing_setting('outlier_deviation')
        and (highest or deviation < worst)
        and metric not in (select metric from knee_fits where preferred)
)

select
    metric,
    x,
    y,
    highest,
    max(round) < max(max(round)) over (partition by metric) as removed
from rounds
group by metric, x, y, highest
order by metric, x;
