-- A row is one offer that answers the question under a load or bounds of its own, in the layout that its objective takes, best first by the
-- rule of `ranked_offers`; `offers` counts them all. The published frontier says nothing of such a load.
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
        ) as layout_place
    from counted
    where ($max_ttft_ms is null or ttft_ms <= $max_ttft_ms)
        and ($max_tpot_ms is null or tpot_ms <= $max_tpot_ms)
),

offered as (
    select
        figures.* replace (
            round(figures.memory_used_gib_per_gpu, 4) as memory_used_gib_per_gpu,
            round(figures.memory_allowed_gib_per_gpu, 4) as memory_allowed_gib_per_gpu,
            round(figures.weights_gib_per_gpu, 4) as weights_gib_per_gpu,
            round(figures.kv_cache_gib_per_gpu, 4) as kv_cache_gib_per_gpu,
            round(figures.ttft_ms, 4) as ttft_ms,
            round(figures.tpot_ms, 4) as tpot_ms,
            round(figures.single_stream_ttft_ms, 4) as single_stream_ttft_ms,
            round(figures.single_stream_tpot_ms, 4) as single_stream_tpot_ms,
            round(figures.output_tokens_per_s, 4) as output_tokens_per_s,
            round(figures.usd_per_million_output_tokens, 4) as usd_per_million_output_tokens,
            round(figures.usd_per_million_total_tokens, 4) as usd_per_million_total_tokens
        ),
        figures.max_sequences * figures.dp as concurrent_sequences,
        chosen.provider,
        chosen.shape,
        chosen.price_region,
        chosen.price_as_of,
        chosen.price_stale,
        null::boolean as on_frontier,
        null::varchar as dominated_by,
        chosen.needs_checkpoint,
        trusted_arguments(
            vllm_arguments(
                figures.tp,
                figures.pp,
                figures.dp,
                figures.ep,
                figures.context,
                figures.max_num_seqs,
                figures.max_num_batched_tokens,
                quantizations.engine_arguments,
                kv_dtypes.engine_arguments,
                serves_half(gpus.vendor, gpus.capability, models.architecture_key)
            ),
            models.needs_remote_code
        ) as vllm_arguments
    from layouts_ranked as figures
    join chosen using (offer)
    join models on models.model_id = chosen.model_id
    join quantizations on quantizations.quantization = figures.quantization
    join kv_dtypes on kv_dtypes.kv_dtype = figures.kv_dtype
    join gpus on gpus.gpu = figures.gpu
    where figures.layout_place = 1
),

placed as (
    from ranked_offers('offered', $objective, $users)
)

select
    * exclude (place),
    count(*) over () as offers
from offer_columns('placed')
where $max_usd_per_hour is null or total_usd_per_hour <= $max_usd_per_hour
order by place
limit $shown;
