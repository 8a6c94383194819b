-- A row is one of the most downloaded (else the first by name) models and the cheapest shape that serves it at 8,192 tokens or the next
-- published context: the first lines of what was published.
with

shown_models as (
    select model_id
    from models
    order by
        downloads desc nulls last,
        model_id
    limit $models
),

best as (
    select recommendations.*
    from recommendations
    semi join shown_models using (model_id)
    qualify row_number() over (
        partition by recommendations.model_id
        order by
            recommendations.context >= $context desc,
            recommendations.context,
            recommendations.quantization <> 'native',
            recommendations.cost_rank,
            recommendations.provider,
            recommendations.shape
    ) = 1
)

select
    model_id,
    context,
    provider,
    shape,
    format('{:g} × {}', gpu_count, gpu) as gpus,
    quantization as weights,
    memory_used_gib_per_gpu,
    memory_allowed_gib_per_gpu,
    max_context,
    verdict,
    cost_output_tokens_per_s as output_tokens_per_s,
    usd_per_hour
from best
order by model_id;
