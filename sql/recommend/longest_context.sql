-- The longest published context at which the question's other hardware conditions are met, null where there is none.
select max(recommendations.context) as context
from recommendations
semi join asked_shapes using (provider, shape)
where recommendations.model_id = $model
    and ($quantization is null or recommendations.quantization = $quantization);
