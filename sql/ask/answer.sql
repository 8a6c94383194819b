-- A row is one offer that answers the question under a load or bounds of its own, in the layout that its objective takes, best first; `offers`
-- counts them all. The published frontier says nothing of such a load.
--   cost         dollars an hour of the deployments that carry the users, at the same price what meets the service level first, then dollars per
--                million output tokens
--   performance  time per output token of a single request
--   balanced     dollars per million output tokens
with

counted as (
    select
        evaluated.*,
        counted_rate(output_tokens_per_s, output_low_tokens_per_s, pp, nodes) as counted_tokens_per_s,
        within_slo(ttft_ms, tpot_ms, input_tokens, slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms) as within_slo
    from evaluated
    cross join policy_settings
),

layouts_ranked as (
    select
        *,
        row_number() over (
            partition by offer
            order by
                $objective <> 'performance' and not coalesce(within_slo, false),
                case $objective
                    when 'cost' then -counted_tokens_per_s
                    when 'performance' then single_stream_tpot_ms
                    else single_stream_tpot_ms / counted_tokens_per_s
                end nulls last,
                tp,
                pp,
                ep
        ) as place
    from counted
    where ($max_ttft_ms is null or ttft_ms <= $max_ttft_ms)
        and ($max_tpot_ms is null or tpot_ms <= $max_tpot_ms)
),

offered as (
    select
        figures.*,
        chosen.provider,
        chosen.shape,
        chosen.price_region,
        chosen.price_as_of,
        chosen.price_stale,
        quantizations.engine_arguments as quantization_arguments,
        figures.quantization <> 'native' and quantizations.engine_arguments is null as needs_checkpoint,
        kv_dtypes.engine_arguments as kv_arguments,
        gpus.vendor = 'NVIDIA' and gpus.capability < 8 as needs_half,
        models.needs_remote_code,
        coalesce(ceil($users / nullif(figures.batch_per_replica * figures.dp, 0)::double), 1)::bigint as deployments
    from layouts_ranked as figures
    join chosen using (offer)
    join models on models.model_id = chosen.model_id
    join quantizations on quantizations.quantization = figures.quantization
    join kv_dtypes on kv_dtypes.kv_dtype = figures.kv_dtype
    join gpus on gpus.gpu = figures.gpu
    where figures.place = 1
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
        round(memory_used_gib_per_gpu, 4) as memory_used_gib_per_gpu,
        round(memory_allowed_gib_per_gpu, 4) as memory_allowed_gib_per_gpu,
        round(weights_gib_per_gpu, 4) as weights_gib_per_gpu,
        round(kv_cache_gib_per_gpu, 4) as kv_cache_gib_per_gpu,
        max_context,
        max_sequences,
        max_sequences * dp as concurrent_sequences,
        batch_per_replica,
        input_tokens,
        output_tokens,
        round(ttft_ms, 4) as ttft_ms,
        round(tpot_ms, 4) as tpot_ms,
        round(single_stream_ttft_ms, 4) as single_stream_ttft_ms,
        round(single_stream_tpot_ms, 4) as single_stream_tpot_ms,
        round(output_tokens_per_s, 4) as output_tokens_per_s,
        bound_by,
        calibration,
        within_slo,
        usd_per_hour,
        deployments,
        usd_per_hour * deployments as total_usd_per_hour,
        round(usd_per_million_output_tokens, 4) as usd_per_million_output_tokens,
        round(usd_per_million_total_tokens, 4) as usd_per_million_total_tokens,
        price_region,
        price_as_of,
        price_stale,
        null::boolean as on_frontier,
        null::varchar as dominated_by,
        reason,
        needs_checkpoint,
        trusted_arguments(
            vllm_arguments(
                tp, pp, dp, ep, context, max_num_seqs, max_num_batched_tokens, quantization_arguments, kv_arguments, needs_half
            ),
            needs_remote_code
        ) as vllm_arguments
    from offered
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
