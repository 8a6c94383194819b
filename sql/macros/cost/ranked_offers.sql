-- The one rule by which a question is answered: a row is the best offer of a provider's shape at a weight precision, with the
-- price of its deployments and its place among all, from 1. Takes the name of a table of offers in the layout that the
-- objective takes: provider, shape, nodes, gpu_count, quantization, kv_dtype, deployments, within_slo, usd_per_hour (of one
-- deployment), usd_per_million_served_tokens, single_stream_tpot_ms.
--   cost         dollars an hour of all deployments; at the same price what meets the service level first
--   performance  time per output token of a single request
--   balanced     dollars per million output tokens that are served (of all that can be, where no load is stated)
-- Machines of one and of several accelerators at one price each are equals (in_cents_per_accelerator). Then, of equals, dollars
-- per million output tokens and the fewest accelerators. What is not known comes last. Of a shape at a weight precision a
-- 16-bit KV cache is taken where it fits, fp8 only where nothing else does.
create or replace macro ranked_offers(offers, objective) as table
with

asked_offers as (
    from query_table(offers)
),

valued as (
    select
        asked_offers.*,
        asked_offers.usd_per_hour * asked_offers.deployments as total_usd_per_hour,
        asked_offers.gpu_count * asked_offers.deployments as total_gpu_count,
        case objective
            when 'cost' then asked_offers.usd_per_hour * asked_offers.deployments
            when 'performance' then asked_offers.single_stream_tpot_ms
            when 'balanced' then four_decimals(
                in_cents_per_accelerator(
                    asked_offers.usd_per_million_served_tokens, asked_offers.usd_per_hour, asked_offers.gpu_count
                )
            )
            else error('objective is cost, performance or balanced')
        end as objective_value,
        objective = 'cost' and not coalesce(asked_offers.within_slo, false) as misses_service_level
    from asked_offers
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
            valued.usd_per_million_served_tokens nulls last,
            valued.nodes
    ) = 1
)

select
    best.* exclude (objective_value, misses_service_level),
    row_number() over (
        order by
            best.objective_value nulls last,
            best.misses_service_level,
            if(objective = 'balanced', null, best.usd_per_million_served_tokens) nulls last,
            best.total_gpu_count,
            best.gpu_count,
            best.single_stream_tpot_ms nulls last,
            best.provider,
            best.shape,
            best.quantization
    ) as place
from best;
