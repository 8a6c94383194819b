-- A row is one of $models models, from the smallest to the largest and of each size the most downloaded, and the cheapest shape
-- that serves its checkpoint at the published context next above $context (at its longest, where that is shorter): the first
-- lines of what is published.
with

sized as (
    select
        models.model_id,
        models.architecture_key,
        models.downloads,
        architectures.parameters_total,
        ntile($models) over (order by architectures.parameters_total, models.model_id) as size_class
    from models
    join architectures using (architecture_key)
),

shown_models as (
    select *
    from sized
    qualify row_number() over (partition by size_class order by downloads desc nulls last, parameters_total, model_id) = 1
),

best as (
    select
        offers.*,
        shown_models.model_id,
        shown_models.parameters_total
    from shown_models
    join architecture_offers as offers using (architecture_key)
    where offers.quantization = 'native'
    qualify row_number() over (
        partition by shown_models.model_id
        order by
            offers.context >= $context desc,
            if(offers.context >= $context, offers.context, -offers.context),
            offers.cost_rank,
            offers.kv_dtype <> 'auto',
            offers.provider,
            offers.shape
    ) = 1
)

select
    model_id as model,
    context,
    provider,
    if(nodes > 1, format('{} × {}', nodes, shape), shape) as shape,
    format('{:g} × {}', gpu_count, gpu) as gpus,
    memory_used_gib_per_gpu as used_gib_per_gpu,
    memory_allowed_gib_per_gpu as allowed_gib_per_gpu,
    max_context,
    cost_output_tokens_per_s as tokens_per_s,
    usd_per_hour,
    verdict
from best
order by parameters_total;
