-- A row is one listed shape that the question allows: the only place where a question's conditions on the hardware are applied.
create or replace temp table asked_shapes as
select
    shapes.provider,
    shapes.shape
from shapes
left join shape_prices as prices using (provider, shape)
where ($provider is null or shapes.provider = $provider)
    and ($shape is null or shapes.shape = $shape)
    and ($region is null or prices.price_region = $region);
