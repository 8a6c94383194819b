-- One bucket's figures on every shape that is such a machine, priced and ranked: a row is a row of bucket_figures on one shape,
-- with what follows from prices. Ranks are within an architecture and context, over all shapes and precisions, unknown figures
-- last:
--   cost_rank         dollars an hour; at the same price what meets the default SLO first, then by dollars per million output
--                     tokens of the cost layout
--   performance_rank  time per output token of a single request on the performance layout
--   balanced_rank     dollars per million output tokens of the balanced layout; machines of one and of several accelerators at
--                     one price each are equals (in_cents_per_accelerator)
-- A shape of a machine on the frontier that is sold cheaper elsewhere is dominated by that offer.
create or replace temp table bucket_ranks as
with

priced as (
    select
        figures.rowid as figure,
        offers.rowid as offer,
        figures.architecture_key,
        figures.context,
        coalesce(figures.cost_within_slo, false) as cost_meets_slo,
        figures.performance_single_stream_tpot_ms,
        offers.usd_per_hour * figures.nodes as usd_per_hour,
        -- Rounded as they are published, so that whoever sorts by what is published finds the same order.
        four_decimals(usd_per_million_output_tokens(offers.usd_per_hour * figures.nodes, figures.output_tokens_per_s))
            as usd_per_million_output_tokens,
        offers.gpu_count * figures.nodes as gpu_count,
        four_decimals(usd_per_million_output_tokens(offers.spot_usd_per_hour * figures.nodes, figures.output_tokens_per_s))
            as spot_usd_per_million_output_tokens,
        four_decimals(usd_per_million_output_tokens(offers.usd_per_hour * figures.nodes, figures.cost_output_tokens_per_s))
            as cost_usd_per_million_output_tokens,
        four_decimals(usd_per_million_output_tokens(offers.usd_per_hour * figures.nodes, figures.performance_output_tokens_per_s))
            as performance_usd_per_million_output_tokens
    from bucket_figures as figures
    join offers using (hardware)
    where figures.nodes = 1 or offers.is_scaled_out
),

ranked as (
    select
        *,
        rank() over (
            partition by architecture_key, context
            order by usd_per_hour nulls last, cost_meets_slo desc, cost_usd_per_million_output_tokens nulls last
        ) as cost_rank,
        rank() over (
            partition by architecture_key, context
            order by performance_single_stream_tpot_ms nulls last
        ) as performance_rank,
        rank() over (
            partition by architecture_key, context
            order by four_decimals(in_cents_per_accelerator(usd_per_million_output_tokens, usd_per_hour, gpu_count)) nulls last
        ) as balanced_rank
    from priced
)

select
    figures.architecture_key,
    figures.context,
    figures.quantization,
    figures.kv_dtype,
    figures.hardware,
    offers.provider,
    offers.shape,
    offers.gpu,
    offers.gpu_count * figures.nodes as gpu_count,
    ranked.usd_per_hour,
    offers.spot_usd_per_hour * figures.nodes as spot_usd_per_hour,
    offers.price_region,
    offers.price_as_of,
    offers.price_stale,
    ranked.usd_per_million_output_tokens,
    ranked.spot_usd_per_million_output_tokens,
    four_decimals(ranked.usd_per_million_output_tokens * policy.output_share) as usd_per_million_total_tokens,
    four_decimals(usd_per_user_hour(ranked.usd_per_hour, figures.slo_users)) as usd_per_user_hour,
    ranked.cost_usd_per_million_output_tokens,
    ranked.performance_usd_per_million_output_tokens,
    ranked.cost_rank,
    ranked.performance_rank,
    ranked.balanced_rank,
    coalesce(
        frontier.on_frontier and if(figures.nodes = 1, offers.is_cheapest, offers.is_cheapest_scaled_out),
        false
    ) as on_frontier,
    case
        when ranked.usd_per_hour is null then null
        when not frontier.on_frontier then frontier.dominated_by
        when not if(figures.nodes = 1, offers.is_cheapest, offers.is_cheapest_scaled_out) then frontier.offer
    end as dominated_by,
    if(ranked.usd_per_hour is null, figures.reason_without_price, figures.reason) as reason
from ranked
join bucket_figures as figures on figures.rowid = ranked.figure
join offers on offers.rowid = ranked.offer
cross join policy_settings as policy
left join bucket_frontier as frontier
    on frontier.architecture_key = figures.architecture_key
    and frontier.context = figures.context
    and frontier.quantization = figures.quantization
    and frontier.kv_dtype = figures.kv_dtype
    and frontier.hardware = figures.hardware;
