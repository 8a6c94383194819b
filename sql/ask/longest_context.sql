-- The longest published context at which the question's other hardware conditions are met, null where there is none.
select max(context) as context
from recommendations
where model_id = $model
    and ($provider is null or provider = $provider)
    and ($shape is null or shape = $shape)
    and ($quantization is null or quantization = $quantization)
    and ($region is null or price_region = $region);
