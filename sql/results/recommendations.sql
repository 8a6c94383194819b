-- A row is one model on one shape at one weight precision, KV precision and context that fits: the balanced objective's layout and figures,
-- those of the other two, ranks and the arguments to paste. A view: the figures are kept once per architecture, in single precision,
-- of which four decimals are shown.
create or replace view recommendations as
with

joined as (
    select
        models.model_id,
        best.architecture_key,
        best.provider,
        best.shape,
        best.nodes,
        best.gpu,
        best.gpu_count::double as gpu_count,
        best.quantization,
        best.kv_dtype,
        best.context,
        best.tp,
        best.pp,
        best.dp,
        best.ep,
        best.verdict,
        round(best.memory_used_gib_per_gpu::double, 4) as memory_used_gib_per_gpu,
        round(best.memory_allowed_gib_per_gpu::double, 4) as memory_allowed_gib_per_gpu,
        round(best.weights_gib_per_gpu::double, 4) as weights_gib_per_gpu,
        round(best.activation_gib_per_gpu::double, 4) as activation_gib_per_gpu,
        round(best.non_torch_gib_per_gpu::double, 4) as non_torch_gib_per_gpu,
        round(best.cuda_graphs_gib_per_gpu::double, 4) as cuda_graphs_gib_per_gpu,
        round(best.kv_cache_gib_per_gpu::double, 4) as kv_cache_gib_per_gpu,
        round(best.band_gib::double, 4) as band_gib,
        best.kv_cache_tokens,
        best.max_context,
        best.max_sequences,
        best.batch_per_replica,
        round(best.ttft_ms::double, 4) as ttft_ms,
        round(best.tpot_ms::double, 4) as tpot_ms,
        round(best.single_stream_ttft_ms::double, 4) as single_stream_ttft_ms,
        round(best.single_stream_tpot_ms::double, 4) as single_stream_tpot_ms,
        round(best.output_tokens_per_s::double, 4) as output_tokens_per_s,
        best.bound_by,
        best.calibration,
        best.usd_per_hour::double as usd_per_hour,
        best.spot_usd_per_hour::double as spot_usd_per_hour,
        best.price_region,
        best.price_as_of,
        best.price_stale,
        round(best.usd_per_million_output_tokens::double, 4) as usd_per_million_output_tokens,
        round((best.usd_per_million_output_tokens * policy.output_share)::double, 4) as usd_per_million_total_tokens,
        best.cost_tp,
        best.cost_pp,
        best.cost_dp,
        best.cost_ep,
        round(best.cost_output_tokens_per_s::double, 4) as cost_output_tokens_per_s,
        round(best.cost_ttft_ms::double, 4) as cost_ttft_ms,
        round(best.cost_tpot_ms::double, 4) as cost_tpot_ms,
        round(best.cost_usd_per_million_output_tokens::double, 4) as cost_usd_per_million_output_tokens,
        best.performance_tp,
        best.performance_pp,
        best.performance_dp,
        best.performance_ep,
        round(best.performance_output_tokens_per_s::double, 4) as performance_output_tokens_per_s,
        round(best.performance_ttft_ms::double, 4) as performance_ttft_ms,
        round(best.performance_tpot_ms::double, 4) as performance_tpot_ms,
        round(best.performance_usd_per_million_output_tokens::double, 4) as performance_usd_per_million_output_tokens,
        best.cost_rank,
        best.performance_rank,
        best.balanced_rank,
        best.on_frontier,
        'vllm' as policy,
        recommendation_reason(
            best.verdict,
            best.memory_allowed_gib_per_gpu - best.memory_used_gib_per_gpu,
            best.band_gib,
            best.usd_per_hour,
            best.tpot_ms,
            within_slo(
                best.ttft_ms,
                best.tpot_ms,
                best.context * (1 - policy.output_share),
                policy.slo_ttft_ms,
                policy.slo_ttft_ms_per_input_token,
                policy.slo_tpot_ms
            )
        ) as reason,
        vllm_arguments(
            best.tp,
            best.pp,
            best.dp,
            best.ep,
            best.context,
            quantizations.engine_arguments,
            kv_dtypes.engine_arguments,
            gpus.vendor = 'NVIDIA' and gpus.capability < 8
        ) as vllm_arguments
    from models
    join architecture_recommendations as best using (architecture_key)
    join quantizations using (quantization)
    join kv_dtypes using (kv_dtype)
    join gpus using (gpu)
    cross join policy_settings as policy
)

from joined;
