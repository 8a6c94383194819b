-- Add one chunk's rows to architecture_recommendations: the choices on every shape that is such a machine, priced and ranked.
-- Ranks are within an architecture and context, over all shapes and precisions, unknown figures last:
--   cost_rank         dollars an hour, then dollars per million output tokens of the cost layout
--   performance_rank  time per output token of a single request on the performance layout
--   balanced_rank     dollars per million output tokens of the balanced layout
-- on_frontier: nothing of the same architecture and context costs no more an hour, answers no slower, yields no fewer tokens and keeps no
-- worse a precision, and is better in one of these. Among equal machines only the cheapest can be on it, so those are compared.
insert into architecture_recommendations
with

figured as (
    select
        choices.architecture_key,
        choices.quantization,
        choices.kv_dtype,
        choices.context,
        choices.hardware,
        choices.nodes,
        balanced.quality_rank * 2 + (choices.kv_dtype <> 'auto')::integer as quality,
        balanced_class.tp as tp,
        balanced_class.pp as pp,
        balanced_class.dp as dp,
        balanced_class.ep as ep,
        balanced.verdict,
        balanced.memory_used_gib_per_gpu,
        balanced.memory_allowed_gib_per_gpu,
        balanced.weights_gib_per_gpu,
        balanced.activation_gib_per_gpu,
        balanced.non_torch_gib_per_gpu,
        balanced.cuda_graphs_gib_per_gpu,
        balanced.kv_cache_gib_per_gpu,
        balanced.band_gib,
        balanced.kv_cache_tokens,
        balanced.max_context,
        balanced.max_sequences,
        balanced.batch_per_replica,
        balanced.ttft_ms,
        balanced.tpot_ms,
        balanced.single_stream_ttft_ms,
        balanced.single_stream_tpot_ms,
        balanced.output_tokens_per_s * balanced_class.dp as output_tokens_per_s,
        balanced.bound_by,
        balanced.calibration,
        cost_class.tp as cost_tp,
        cost_class.pp as cost_pp,
        cost_class.dp as cost_dp,
        cost_class.ep as cost_ep,
        cost.output_tokens_per_s * cost_class.dp as cost_output_tokens_per_s,
        cost.ttft_ms as cost_ttft_ms,
        cost.tpot_ms as cost_tpot_ms,
        performance_class.tp as performance_tp,
        performance_class.pp as performance_pp,
        performance_class.dp as performance_dp,
        performance_class.ep as performance_ep,
        performance.output_tokens_per_s * performance_class.dp as performance_output_tokens_per_s,
        performance.ttft_ms as performance_ttft_ms,
        performance.tpot_ms as performance_tpot_ms,
        performance.single_stream_tpot_ms as performance_single_stream_tpot_ms
    from chunk_choices as choices
    join chunk_replicas as balanced on balanced.rowid = choices.balanced_replica
    join chunk_replicas as cost on cost.rowid = choices.cost_replica
    join chunk_replicas as performance on performance.rowid = choices.performance_replica
    join deployment_classes as balanced_class
        on balanced_class.replica_class = balanced.replica_class and balanced_class.hardware = choices.hardware
    join deployment_classes as cost_class
        on cost_class.replica_class = cost.replica_class and cost_class.hardware = choices.hardware
    join deployment_classes as performance_class
        on performance_class.replica_class = performance.replica_class and performance_class.hardware = choices.hardware
),

offers as (
    select
        shapes.provider,
        shapes.shape,
        shapes.hardware,
        shapes.is_scaled_out,
        machines.gpu,
        machines.gpu_count,
        prices.* exclude (provider, shape)
    from hardware_shapes as shapes
    join hardware as machines using (hardware)
    join shape_prices as prices using (provider, shape)
),

priced as (
    select
        figured.* exclude (hardware),
        offers.provider,
        offers.shape,
        offers.gpu,
        offers.gpu_count * figured.nodes as gpu_count,
        offers.usd_per_hour * figured.nodes as usd_per_hour,
        offers.spot_usd_per_hour * figured.nodes as spot_usd_per_hour,
        offers.price_region,
        offers.price_as_of,
        offers.price_stale,
        usd_per_million_output_tokens(offers.usd_per_hour * figured.nodes, figured.output_tokens_per_s) as usd_per_million_output_tokens,
        usd_per_million_output_tokens(offers.usd_per_hour * figured.nodes, figured.cost_output_tokens_per_s)
            as cost_usd_per_million_output_tokens,
        usd_per_million_output_tokens(offers.usd_per_hour * figured.nodes, figured.performance_output_tokens_per_s)
            as performance_usd_per_million_output_tokens,
        min(offers.usd_per_hour * figured.nodes) over (
            partition by
                figured.architecture_key, figured.context, figured.quantization, figured.kv_dtype, figured.hardware
        ) as cheapest_usd_per_hour,
        figured.hardware
    from figured
    join offers using (hardware)
    where figured.nodes = 1 or offers.is_scaled_out
),

contenders as (
    select distinct
        architecture_key,
        context,
        quantization,
        kv_dtype,
        hardware,
        quality,
        usd_per_hour,
        tpot_ms,
        output_tokens_per_s
    from priced
    where usd_per_hour = cheapest_usd_per_hour and tpot_ms is not null
),

frontier as (
    select contenders.*
    from contenders
    anti join contenders as better
        on better.architecture_key = contenders.architecture_key
        and better.context = contenders.context
        and better.usd_per_hour <= contenders.usd_per_hour
        and better.tpot_ms <= contenders.tpot_ms
        and better.output_tokens_per_s >= contenders.output_tokens_per_s
        and better.quality <= contenders.quality
        and (
            better.usd_per_hour < contenders.usd_per_hour
            or better.tpot_ms < contenders.tpot_ms
            or better.output_tokens_per_s > contenders.output_tokens_per_s
            or better.quality < contenders.quality
        )
),

ranked as (
    select
        priced.*,
        rank() over (
            partition by priced.architecture_key, priced.context
            order by priced.usd_per_hour nulls last, priced.cost_usd_per_million_output_tokens nulls last
        ) as cost_rank,
        rank() over (
            partition by priced.architecture_key, priced.context
            order by priced.performance_single_stream_tpot_ms nulls last
        ) as performance_rank,
        rank() over (
            partition by priced.architecture_key, priced.context
            order by priced.usd_per_million_output_tokens nulls last
        ) as balanced_rank,
        frontier.architecture_key is not null as on_frontier
    from priced
    left join frontier
        on frontier.architecture_key = priced.architecture_key
        and frontier.context = priced.context
        and frontier.quantization = priced.quantization
        and frontier.kv_dtype = priced.kv_dtype
        and frontier.hardware = priced.hardware
        and frontier.usd_per_hour = priced.usd_per_hour
)

select
    architecture_key,
    provider,
    shape,
    nodes,
    gpu,
    gpu_count,
    quantization,
    kv_dtype,
    context,
    tp,
    pp,
    dp,
    ep,
    verdict,
    memory_used_gib_per_gpu,
    memory_allowed_gib_per_gpu,
    weights_gib_per_gpu,
    activation_gib_per_gpu,
    non_torch_gib_per_gpu,
    cuda_graphs_gib_per_gpu,
    kv_cache_gib_per_gpu,
    band_gib,
    kv_cache_tokens,
    max_context,
    max_sequences,
    batch_per_replica,
    ttft_ms,
    tpot_ms,
    single_stream_ttft_ms,
    single_stream_tpot_ms,
    output_tokens_per_s,
    bound_by,
    calibration,
    usd_per_hour,
    spot_usd_per_hour,
    price_region,
    price_as_of,
    price_stale,
    usd_per_million_output_tokens,
    cost_tp,
    cost_pp,
    cost_dp,
    cost_ep,
    cost_output_tokens_per_s,
    cost_ttft_ms,
    cost_tpot_ms,
    cost_usd_per_million_output_tokens,
    performance_tp,
    performance_pp,
    performance_dp,
    performance_ep,
    performance_output_tokens_per_s,
    performance_ttft_ms,
    performance_tpot_ms,
    performance_usd_per_million_output_tokens,
    cost_rank,
    performance_rank,
    balanced_rank,
    on_frontier
from ranked
order by architecture_key, context, quantization, kv_dtype, provider, shape;
