-- A row is one offer that fits the question's hardware conditions: what `recommend` publishes of a shape at a weight precision.
create or replace temp table chosen as
select
    row_number() over (order by provider, shape, quantization) as offer,
    *,
    if($spot, spot_usd_per_hour, usd_per_hour) as asked_usd_per_hour
from recommend($model, $context, objective := $objective, users := $users, provider := $provider)
where ($shape is null or shape = $shape)
    and ($quantization is null or quantization = $quantization)
    and ($region is null or price_region = $region);
