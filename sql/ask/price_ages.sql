-- The one row of how old the published prices are on the day of asking: shapes with a price, how many of these prices are stale
-- (undated, or older than the policy allows), and of which providers.
with

by_provider as (
    select
        provider,
        count(usd_per_hour) as priced,
        count(*) filter (where price_stale) as stale
    from shape_prices
    group by provider
)

select
    sum(priced)::bigint as priced,
    sum(stale)::bigint as stale,
    coalesce(string_agg(provider || ' ' || stale, ', ' order by provider) filter (where stale > 0), '') as stale_by_provider
from by_provider;
