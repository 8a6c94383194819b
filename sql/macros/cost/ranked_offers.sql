-- The one rule by which a question is answered: a row is the best offer of a provider's shape at a weight precision, with the deployments
-- that carry the users, the share of them that the users take up, their price, and its place among all, from 1.
-- Takes the name of a table of offers with the figures of one deployment in the layout that the objective takes: provider, shape, nodes,
-- gpu_count, quantization, kv_dtype, dp, batch_per_replica, within_slo, usd_per_hour, usd_per_million_output_tokens,
-- single_stream_tpot_ms.
--   cost         dollars an hour of all deployments; at the same price what meets the service level first
--   performance  time per output token of a single request
--   balanced     dollars per million output tokens that the users are served (of all that the deployments can serve, where none are stated)
-- Then, of equals, dollars per million output tokens and the fewest accelerators. What is not known comes last.
-- Of a shape at a weight precision a 16-bit KV cache is taken where it fits, fp8 only where nothing else does.
create or replace macro ranked_offers(offers, objective, users) as table
with

asked_offers as (
    from query_table(offers)
),

manned as (
    select
        asked_offers.*,
        deployments_needed(users, asked_offers.batch_per_replica, asked_offers.dp) as deployments
    from asked_offers
),

totalled as (
    select
        manned.*,
        utilization(users, manned.deployments, manned.batch_per_replica, manned.dp) as utilization,
        manned.usd_per_hour * manned.deployments as total_usd_per_hour,
        manned.gpu_count * manned.deployments as total_gpu_count
    from manned
),

valued as (
    select
        totalled.*,
        case objective
            when 'cost' then totalled.total_usd_per_hour
            when 'performance' then totalled.single_stream_tpot_ms
            when 'balanced' then totalled.usd_per_million_output_tokens / totalled.utilization
            else error('objective is cost, performance or balanced')
        end as objective_value,
        objective = 'cost' and not coalesce(totalled.within_slo, false) as misses_service_level
    from totalled
),

best as (
    select valued.*
    from valued
    qualify row_number() over (
        partition by valued.provider, valued.shape, valued.quantization
        order by
            valued.kv_dtype <> 'auto',
            valued.objective_value nulls last,
            valued.misses_service_level,
            valued.usd_per_million_output_tokens nulls last,
            valued.nodes
    ) = 1
)

select
    best.* exclude (objective_value, misses_service_level),
    row_number() over (
        order by
            best.objective_value nulls last,
            best.misses_service_level,
            best.usd_per_million_output_tokens nulls last,
            best.total_gpu_count,
            best.single_stream_tpot_ms nulls last,
            best.provider,
            best.shape,
            best.quantization
    ) as place
from best;
