-- The recommendations for one model at the smallest published context that is not below the argument, best first: one row for each provider,
-- shape and weight precision. A 16-bit KV cache is taken where it fits, fp8 only where nothing else does.
--   objective  cost (dollars an hour), performance (time per token of one request) or balanced (dollars per token)
--   users      requests in flight at once: `deployments` says how many of the row's deployments carry them within the default SLO (at the
--              published batch), total_usd_per_hour what these cost, and by cost and balanced the rows are ordered by that; null: one
--   provider   only this provider's shapes; null for all
-- price_age_days is the age of the price on the day of publication.
-- Example: from recommend('Qwen/Qwen2.5-7B-Instruct', 8192, objective := 'balanced', users := 200, provider := 'aws')
create or replace macro recommend(model, context, objective := 'cost', users := null, provider := null) as table
with

-- The ranks alone first: few columns are sorted, and the whole rows are fetched for the best only.
offered as (
    select
        offers.architecture_key,
        offers.provider,
        offers.shape,
        offers.nodes,
        offers.quantization,
        offers.kv_dtype,
        offers.context,
        coalesce(ceil(users / (offers.batch_per_replica * offers.dp)::double), 1)::bigint as deployments,
        coalesce(ceil(users / (offers.batch_per_replica * offers.dp)::double), 1) * offers.usd_per_hour as total_usd_per_hour,
        case objective
            when 'cost' then offers.cost_rank
            when 'performance' then offers.performance_rank
            when 'balanced' then offers.balanced_rank
            else error('objective is cost, performance or balanced')
        end as objective_rank
    from architecture_recommendations as offers
    where offers.architecture_key = (
            select models.architecture_key
            from models
            where models.model_id = model
        )
        and (provider is null or offers.provider = provider)
        and offers.context = (
            select min(lengths.context)
            from models
            join architecture_recommendations as lengths using (architecture_key)
            where models.model_id = model and lengths.context >= context
        )
),

best as (
    select *
    from offered
    qualify row_number() over (
        partition by offered.provider, offered.shape, offered.quantization
        order by offered.kv_dtype <> 'auto', offered.objective_rank, offered.nodes
    ) = 1
)

select
    published.*,
    best.deployments,
    best.total_usd_per_hour,
    price_age_days(published.price_as_of, publication.published_on) as price_age_days
from best
join recommendations as published
    on published.architecture_key = best.architecture_key
    and published.provider = best.provider
    and published.shape = best.shape
    and published.nodes = best.nodes
    and published.quantization = best.quantization
    and published.kv_dtype = best.kv_dtype
    and published.context = best.context
cross join publication
where published.model_id = model
order by
    if(users is null or objective = 'performance', null, best.total_usd_per_hour) nulls last,
    best.objective_rank,
    best.provider,
    best.shape,
    best.quantization;
