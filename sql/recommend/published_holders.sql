-- A row is one shape of the question that holds the model in some published way at the context of the answer.
create or replace temp table holders as
select
    published.provider,
    published.shape,
    bool_or(published.quantization = $answered_quantization) as in_precision,
    true as meets_bounds,
    null::double as held_ttft_ms,
    null::double as held_tpot_ms,
    null::double as excess
from architecture_recommendations as published
semi join asked_shapes using (provider, shape)
where published.architecture_key = $architecture
    and published.context = $answered_context
    and ($quantization is null or published.quantization = $quantization)
group by published.provider, published.shape;
