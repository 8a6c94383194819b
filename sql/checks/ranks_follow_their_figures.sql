-- Ranks below 1, shapes of unknown price that rank by cost before one of known price, and architecture contexts where no row is
-- first.
with

groups as (
    select
        architecture_key,
        context,
        min(cost_rank) as first_by_cost,
        min(performance_rank) as first_by_performance,
        min(balanced_rank) as first_balanced,
        min(cost_rank) filter (where usd_per_hour is null) as first_without_price,
        max(cost_rank) filter (where usd_per_hour is not null) as last_with_price
    from architecture_recommendations
    group by architecture_key, context
)

from groups
where first_by_cost <> 1
    or first_by_performance <> 1
    or first_balanced <> 1
    or first_without_price <= last_with_price;
