-- A row is one published offer that answers the question under the load that published figures are stated for, in the layout that its objective
-- takes, best first; `offers` counts them all. A 16-bit KV cache is taken where it fits, fp8 only where nothing else does, then the fewest machines.
--   cost         dollars an hour of the deployments that carry the users, at the same price what meets the service level first, then dollars per
--                million output tokens
--   performance  time per output token of a single request
--   balanced     dollars per million output tokens
with

lengths as (
    select min(context) as context
    from architecture_recommendations
    where architecture_key = $architecture and context >= $context
),

stored as (
    select figures.*
    from architecture_recommendations as figures
    where figures.architecture_key = $architecture
        and figures.context = (select lengths.context from lengths)
        and ($provider is null or figures.provider = $provider)
        and ($shape is null or figures.shape = $shape)
        and ($quantization is null or figures.quantization = $quantization)
        and ($region is null or figures.price_region = $region)
),

best as (
    select *
    from stored
    qualify row_number() over (
        partition by provider, shape, quantization
        order by
            kv_dtype <> 'auto',
            of_objective($objective, cost_rank, performance_rank, balanced_rank),
            nodes
    ) = 1
),

taken as (
    select
        provider,
        shape,
        nodes,
        gpu,
        gpu_count,
        of_objective($objective, cost_tp, performance_tp, tp) as tp,
        of_objective($objective, cost_pp, performance_pp, pp) as pp,
        of_objective($objective, cost_dp, performance_dp, dp) as dp,
        of_objective($objective, cost_ep, performance_ep, ep) as ep,
        quantization,
        kv_dtype,
        context,
        of_objective($objective, cost_verdict, performance_verdict, verdict) as verdict,
        of_objective($objective, cost_memory_used_gib_per_gpu, performance_memory_used_gib_per_gpu, memory_used_gib_per_gpu)
            as memory_used_gib_per_gpu,
        memory_allowed_gib_per_gpu,
        band_gib,
        of_objective($objective, cost_weights_gib_per_gpu, performance_weights_gib_per_gpu, weights_gib_per_gpu)
            as weights_gib_per_gpu,
        of_objective($objective, cost_kv_cache_gib_per_gpu, performance_kv_cache_gib_per_gpu, kv_cache_gib_per_gpu)
            as kv_cache_gib_per_gpu,
        of_objective($objective, cost_max_context, performance_max_context, max_context) as max_context,
        of_objective($objective, cost_max_sequences, performance_max_sequences, max_sequences) as max_sequences,
        of_objective($objective, cost_batch_per_replica, performance_batch_per_replica, batch_per_replica) as batch_per_replica,
        of_objective($objective, cost_ttft_ms, performance_ttft_ms, ttft_ms) as ttft_ms,
        of_objective($objective, cost_tpot_ms, performance_tpot_ms, tpot_ms) as tpot_ms,
        of_objective($objective, cost_single_stream_ttft_ms, performance_single_stream_ttft_ms, single_stream_ttft_ms)
            as single_stream_ttft_ms,
        of_objective($objective, cost_single_stream_tpot_ms, performance_single_stream_tpot_ms, single_stream_tpot_ms)
            as single_stream_tpot_ms,
        of_objective($objective, cost_output_tokens_per_s, performance_output_tokens_per_s, output_tokens_per_s)
            as output_tokens_per_s,
        of_objective($objective, cost_bound_by, performance_bound_by, bound_by) as bound_by,
        of_objective($objective, cost_calibration, performance_calibration, calibration) as calibration,
        of_objective($objective, cost_within_slo, performance_within_slo, within_slo) as within_slo,
        if($spot, spot_usd_per_hour, usd_per_hour) as usd_per_hour,
        price_region,
        price_as_of,
        price_stale,
        on_frontier,
        dominated_by,
        trusted_arguments(
            of_objective($objective, cost_vllm_arguments, performance_vllm_arguments, vllm_arguments),
            (select models.needs_remote_code from models where models.model_id = $model)
        ) as vllm_arguments
    from best
),

priced as (
    select
        taken.*,
        taken.quantization <> 'native' and quantizations.engine_arguments is null as needs_checkpoint,
        greatest(1, (taken.context * policy.output_share)::bigint) as output_tokens,
        taken.context - greatest(1, (taken.context * policy.output_share)::bigint) as input_tokens,
        coalesce(ceil($users / nullif(taken.batch_per_replica * taken.dp, 0)::double), 1)::bigint as deployments,
        usd_per_million_output_tokens(taken.usd_per_hour, taken.output_tokens_per_s) as usd_per_million_output_tokens
    from taken
    join quantizations using (quantization)
    cross join policy_settings as policy
),

answer as (
    select
        provider,
        shape,
        nodes,
        gpu,
        gpu_count,
        tp,
        pp,
        dp,
        ep,
        quantization,
        kv_dtype,
        context,
        verdict,
        memory_used_gib_per_gpu,
        memory_allowed_gib_per_gpu,
        weights_gib_per_gpu,
        kv_cache_gib_per_gpu,
        max_context,
        max_sequences,
        max_sequences * dp as concurrent_sequences,
        batch_per_replica,
        input_tokens,
        output_tokens,
        ttft_ms,
        tpot_ms,
        single_stream_ttft_ms,
        single_stream_tpot_ms,
        output_tokens_per_s,
        bound_by,
        calibration,
        within_slo,
        usd_per_hour,
        deployments,
        usd_per_hour * deployments as total_usd_per_hour,
        round(usd_per_million_output_tokens, 4) as usd_per_million_output_tokens,
        round(usd_per_million_output_tokens * output_tokens / (input_tokens + output_tokens), 4) as usd_per_million_total_tokens,
        price_region,
        price_as_of,
        price_stale,
        on_frontier,
        dominated_by,
        recommendation_reason(
            verdict, memory_allowed_gib_per_gpu - memory_used_gib_per_gpu, band_gib, usd_per_hour, tpot_ms, within_slo
        ) as reason,
        needs_checkpoint,
        vllm_arguments
    from priced
)

select
    *,
    count(*) over () as offers
from answer
where $max_usd_per_hour is null or total_usd_per_hour <= $max_usd_per_hour
order by
    case $objective
        when 'cost' then total_usd_per_hour
        when 'performance' then single_stream_tpot_ms
        else usd_per_million_output_tokens
    end nulls last,
    $objective = 'cost' and not coalesce(within_slo, false),
    usd_per_million_output_tokens nulls last,
    single_stream_tpot_ms nulls last,
    provider,
    shape,
    quantization
limit $shown;
