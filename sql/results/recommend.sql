-- The recommendations for one model at the smallest published context that is not below the argument, best first: one row for each provider,
-- shape and weight precision. A 16-bit KV cache is taken where it fits, fp8 only where nothing else does.
--   objective  cost (dollars an hour), performance (time per token of one request) or balanced (dollars per token)
--   users      requests in flight at once: `deployments` says how many of the row's deployments carry them within the default SLO (at the
--              published batch), total_usd_per_hour what these cost, and by cost and balanced the rows are ordered by that; null: one
--   provider   only this provider's shapes; null for all
-- Example: from recommend('Qwen/Qwen2.5-7B-Instruct', 8192, objective := 'balanced', users := 200, provider := 'aws')
create or replace macro recommend(model, context, objective := 'cost', users := null, provider := null) as table
with

published as (
    select rows_of_model.*
    from recommendations as rows_of_model
    where rows_of_model.model_id = model
        and (provider is null or rows_of_model.provider = provider)
        and rows_of_model.context = (
            select min(lengths.context)
            from models
            join architecture_recommendations as lengths using (architecture_key)
            where models.model_id = model and lengths.context >= context
        )
),

ordered as (
    select
        published.*,
        coalesce(ceil(users / (published.batch_per_replica * published.dp)::double), 1)::bigint as deployments,
        coalesce(ceil(users / (published.batch_per_replica * published.dp)::double), 1) * published.usd_per_hour as total_usd_per_hour,
        case objective
            when 'cost' then published.cost_rank
            when 'performance' then published.performance_rank
            when 'balanced' then published.balanced_rank
            else error('objective is cost, performance or balanced')
        end as objective_rank
    from published
),

best as (
    select *
    from ordered
    qualify row_number() over (
        partition by ordered.provider, ordered.shape, ordered.quantization
        order by ordered.kv_dtype <> 'auto', ordered.objective_rank, ordered.nodes
    ) = 1
)

select
    best.* exclude (objective_rank),
    price_age_days(best.price_as_of, publication.published_on) as price_age_days
from best
cross join publication
order by
    if(users is null or objective = 'performance', null, best.total_usd_per_hour) nulls last,
    best.objective_rank,
    best.provider,
    best.shape,
    best.quantization;
