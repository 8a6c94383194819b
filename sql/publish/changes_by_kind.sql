-- A row is one kind of change and how many there are, listed or not: a fit counts once for every model that has gained or lost
-- it.
with

models_of_pairs as (
    select
        key_before,
        key_now,
        count(*) as models
    from kept_models
    group by all
),

counted as (
    select
        change,
        count(*) as changes
    from changes
    where change not in ('fit_gained', 'fit_lost')
    group by change
    union all
    select
        change,
        sum(models)::bigint as changes
    from fit_changes
    join models_of_pairs using (key_before, key_now)
    group by change
)

select
    change,
    changes
from counted
order by change;
