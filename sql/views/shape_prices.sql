-- A row is one shape with its prices for one machine: on demand, spot, where and when, and whether the price is stale (undated,
-- or older than the policy allows on the day of asking).
create or replace view shape_prices as
with

on_demand as (
    from prices
    where price_kind = 'on_demand'
),

spot as (
    from prices
    where price_kind = 'spot'
),

priced as (
    select
        shapes.provider,
        shapes.shape,
        on_demand.usd_per_hour,
        spot.usd_per_hour as spot_usd_per_hour,
        on_demand.price_region,
        on_demand.price_as_of,
        if(
            on_demand.usd_per_hour is null,
            null,
            coalesce(on_demand.price_as_of < current_date - policy.stale_price_days, true)
        ) as price_stale
    from shapes
    left join on_demand using (provider, shape)
    left join spot using (provider, shape)
    cross join policy_settings as policy
)

from priced;
