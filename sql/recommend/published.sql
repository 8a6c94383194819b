-- A row is one published offer that answers the question under the load that published figures are stated for, best first, as
-- `recommend` the macro has it; `offers` counts them all. Those that are not `offered` are the best of each precision that is
-- not asked for, but could be had.
with

asked_offers as (
    select offers.*
    from recommend($model, $context, objective := $objective, users := $users, spot := $spot, quantization := 'any') as offers
    semi join asked_shapes using (provider, shape)
    where ($quantization is null or offers.quantization = $quantization)
        and ($max_usd_per_hour is null or offers.total_usd_per_hour <= $max_usd_per_hour)
)

from answer_rows('asked_offers', $quantization is not null or $any_precision, $shown);
