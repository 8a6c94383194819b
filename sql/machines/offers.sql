-- A row is one recommendable shape with its machine and its prices, for one machine; the cheapest of each kind of machine is
-- known.
create or replace table offers as
with

priced as (
    select
        shapes.provider,
        shapes.shape,
        shapes.hardware,
        shapes.is_scaled_out,
        machines.gpu,
        machines.gpu_count,
        prices.* exclude (provider, shape)
    from hardware_shapes as shapes
    join hardware as machines using (hardware)
    join shape_prices as prices using (provider, shape)
)

select
    *,
    usd_per_hour = min(usd_per_hour) over (partition by hardware) as is_cheapest,
    usd_per_hour = min(usd_per_hour) filter (where is_scaled_out) over (partition by hardware) as is_cheapest_scaled_out
from priced
order by provider, shape;
