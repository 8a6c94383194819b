-- A row is one offer that answers the question under a load or bounds of its own, in the layout that its objective takes, best
-- first by the rule of `ranked_offers`; `offers` counts them all. Those that are not `offered` are the best of each precision
-- that is not asked for, but could be had. Times and rates are those of the load as it is spread over the deployments,
-- batch_per_replica and utilization say how much more they would carry. The published frontier says nothing of such a load.
with

checkpoints as (
    select
        precisions.quantization,
        checkpoint_of($model, precisions.quantization) as checkpoint
    from quantizations as precisions
    where precisions.quantization <> 'native'
),

offered as (
    select
        layouts.provider,
        layouts.shape,
        layouts.nodes,
        figures.gpu,
        layouts.gpu_count,
        layouts.tp,
        layouts.pp,
        layouts.dp,
        layouts.ep,
        layouts.quantization,
        layouts.kv_dtype,
        figures.context,
        figures.verdict,
        four_decimals(figures.memory_used_gib_per_gpu) as memory_used_gib_per_gpu,
        four_decimals(figures.memory_allowed_gib_per_gpu) as memory_allowed_gib_per_gpu,
        four_decimals(figures.weights_gib_per_gpu) as weights_gib_per_gpu,
        four_decimals(figures.kv_cache_gib_per_gpu) as kv_cache_gib_per_gpu,
        figures.max_context,
        figures.max_sequences,
        figures.max_sequences * layouts.dp as concurrent_sequences,
        layouts.capacity as batch_per_replica,
        figures.input_tokens,
        figures.output_tokens,
        four_decimals(figures.ttft_ms) as ttft_ms,
        three_digits(figures.ttft_ms * intervals.ttft_high) as ttft_high_ms,
        four_decimals(figures.tpot_ms) as tpot_ms,
        three_digits(figures.tpot_ms * intervals.tpot_high) as tpot_high_ms,
        four_decimals(figures.single_stream_ttft_ms) as single_stream_ttft_ms,
        four_decimals(figures.single_stream_tpot_ms) as single_stream_tpot_ms,
        coalesce(
            $requests_per_s / layouts.deployments,
            requests_per_s(layouts.requests_per_replica * layouts.dp, figures.output_tokens, figures.ttft_ms, figures.tpot_ms)
        ) as requests_per_s_of_one,
        figures.bound_by,
        figures.calibration,
        layouts.within_slo,
        layouts.usd_per_hour,
        layouts.deployments,
        layouts.nodes * layouts.deployments as machines,
        layouts.requests_per_replica * layouts.dp as requests_per_deployment,
        layouts.requests_per_replica / layouts.capacity as utilization,
        layouts.price_region,
        layouts.price_as_of,
        layouts.price_stale,
        recommendation_reason(
            figures.verdict,
            figures.free_gib_per_gpu,
            figures.band_gib,
            layouts.usd_per_hour,
            figures.tpot_ms,
            layouts.within_slo
        ) as reason,
        layouts.quantization <> 'native' and quantizations.engine_arguments is null as needs_checkpoint,
        checkpoints.checkpoint,
        precision_standing(
            layouts.quantization, quantizations.engine_arguments is not null, checkpoints.checkpoint is not null
        ) as precision_standing,
        trusted_arguments(
            vllm_arguments(
                layouts.tp,
                layouts.pp,
                layouts.dp,
                layouts.ep,
                figures.context,
                figures.max_num_seqs,
                figures.max_num_batched_tokens,
                quantizations.engine_arguments,
                kv_dtypes.engine_arguments,
                serves_half(gpus.vendor, gpus.capability, models.architecture_key)
            ),
            models.needs_remote_code
        ) as vllm_arguments
    from carrying_layouts as layouts
    join loaded_replicas as figures
        on figures.replica = layouts.replica
        and figures.concurrency = layouts.requests_per_replica
    join models on models.model_id = $model
    join quantizations on quantizations.quantization = layouts.quantization
    join kv_dtypes on kv_dtypes.kv_dtype = layouts.kv_dtype
    join gpus on gpus.gpu = figures.gpu
    left join speed_intervals as intervals on intervals.calibration = figures.calibration
    left join checkpoints on checkpoints.quantization = layouts.quantization
),

rated as (
    select
        offered.* exclude (requests_per_s_of_one),
        four_decimals(offered.requests_per_s_of_one * offered.output_tokens) as output_tokens_per_s,
        four_decimals(offered.requests_per_s_of_one * offered.deployments) as requests_per_s,
        four_decimals(
            usd_per_million_output_tokens(offered.usd_per_hour, offered.requests_per_s_of_one * offered.output_tokens)
        ) as usd_per_million_output_tokens,
        four_decimals(
            usd_per_million_total_tokens(
                offered.usd_per_hour,
                offered.requests_per_s_of_one * offered.output_tokens,
                offered.input_tokens,
                offered.output_tokens
            )
        ) as usd_per_million_total_tokens,
        four_decimals(usd_per_1000_requests(offered.usd_per_hour, offered.requests_per_s_of_one)) as usd_per_1000_requests,
        four_decimals(offered.usd_per_hour * offered.deployments * policy.hours_per_month) as total_usd_per_month
    from offered
    cross join policy_settings as policy
),

served_offers as (
    select
        rated.*,
        rated.usd_per_million_output_tokens as usd_per_million_served_tokens,
        null::boolean as on_frontier,
        null::varchar as dominated_by
    from rated
),

placed as (
    from ranked_offers('served_offers', $objective)
    where $max_usd_per_hour is null or total_usd_per_hour <= $max_usd_per_hour
)

from answer_rows('placed', $quantization is not null or $any_precision, $shown);
