-- Add one chunk's rows to architecture_recommendations: its figures on every shape that is such a machine, priced and ranked.
-- Ranks are within an architecture and context, over all shapes and precisions, unknown figures last:
--   cost_rank         dollars an hour, then dollars per million output tokens of the cost layout
--   performance_rank  time per output token of a single request on the performance layout
--   balanced_rank     dollars per million output tokens of the balanced layout
insert into architecture_recommendations
with

priced as (
    select
        figures.rowid as figure,
        offers.rowid as offer,
        figures.architecture_key,
        figures.context,
        figures.performance_single_stream_tpot_ms,
        offers.usd_per_hour * figures.nodes as usd_per_hour,
        usd_per_million_output_tokens(offers.usd_per_hour * figures.nodes, figures.output_tokens_per_s) as usd_per_million_output_tokens,
        usd_per_million_output_tokens(offers.usd_per_hour * figures.nodes, figures.cost_output_tokens_per_s)
            as cost_usd_per_million_output_tokens,
        usd_per_million_output_tokens(offers.usd_per_hour * figures.nodes, figures.performance_output_tokens_per_s)
            as performance_usd_per_million_output_tokens
    from chunk_figures as figures
    join offers using (hardware)
    where figures.nodes = 1 or offers.is_scaled_out
),

ranked as (
    select
        *,
        rank() over (
            partition by architecture_key, context
            order by usd_per_hour nulls last, cost_usd_per_million_output_tokens nulls last
        ) as cost_rank,
        rank() over (partition by architecture_key, context order by performance_single_stream_tpot_ms nulls last) as performance_rank,
        rank() over (partition by architecture_key, context order by usd_per_million_output_tokens nulls last) as balanced_rank
    from priced
)

select
    figures.architecture_key,
    offers.provider,
    offers.shape,
    figures.nodes,
    offers.gpu,
    offers.gpu_count * figures.nodes as gpu_count,
    figures.quantization,
    figures.kv_dtype,
    figures.context,
    figures.tp,
    figures.pp,
    figures.dp,
    figures.ep,
    figures.verdict,
    figures.memory_used_gib_per_gpu,
    figures.memory_allowed_gib_per_gpu,
    figures.weights_gib_per_gpu,
    figures.activation_gib_per_gpu,
    figures.non_torch_gib_per_gpu,
    figures.cuda_graphs_gib_per_gpu,
    figures.kv_cache_gib_per_gpu,
    figures.band_gib,
    figures.kv_cache_tokens,
    figures.max_context,
    figures.max_sequences,
    figures.batch_per_replica,
    figures.ttft_ms,
    figures.tpot_ms,
    figures.single_stream_ttft_ms,
    figures.single_stream_tpot_ms,
    figures.output_tokens_per_s,
    figures.bound_by,
    figures.calibration,
    ranked.usd_per_hour,
    offers.spot_usd_per_hour * figures.nodes as spot_usd_per_hour,
    offers.price_region,
    offers.price_as_of,
    offers.price_stale,
    ranked.usd_per_million_output_tokens,
    figures.cost_tp,
    figures.cost_pp,
    figures.cost_dp,
    figures.cost_ep,
    figures.cost_output_tokens_per_s,
    figures.cost_ttft_ms,
    figures.cost_tpot_ms,
    ranked.cost_usd_per_million_output_tokens,
    figures.performance_tp,
    figures.performance_pp,
    figures.performance_dp,
    figures.performance_ep,
    figures.performance_output_tokens_per_s,
    figures.performance_ttft_ms,
    figures.performance_tpot_ms,
    ranked.performance_usd_per_million_output_tokens,
    ranked.cost_rank,
    ranked.performance_rank,
    ranked.balanced_rank,
    coalesce(
        frontier.architecture_key is not null and if(figures.nodes = 1, offers.is_cheapest, offers.is_cheapest_scaled_out),
        false
    ) as on_frontier
from ranked
join chunk_figures as figures on figures.rowid = ranked.figure
join offers on offers.rowid = ranked.offer
left join chunk_frontier as frontier
    on frontier.architecture_key = figures.architecture_key
    and frontier.context = figures.context
    and frontier.quantization = figures.quantization
    and frontier.kv_dtype = figures.kv_dtype
    and frontier.hardware = figures.hardware
order by figures.architecture_key, figures.context, figures.quantization, figures.kv_dtype, offers.provider, offers.shape;
