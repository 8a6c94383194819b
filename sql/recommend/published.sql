-- A row is one published offer that answers the question under the load that published figures are stated for, best first, as
-- `recommend` the macro has it; `offers` counts them all.
with

asked_offers as (
    select offers.*
    from recommend($model, $context, objective := $objective, users := $users, spot := $spot) as offers
    semi join asked_shapes using (provider, shape)
    where ($quantization is null or offers.quantization = $quantization)
        and ($max_usd_per_hour is null or offers.total_usd_per_hour <= $max_usd_per_hour)
)

select
    * exclude (place),
    count(*) over () as offers
from offer_columns('asked_offers')
order by place
limit $shown;
