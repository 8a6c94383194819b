-- A row is one model on one shape at one weight precision, KV precision and context that fits: the balanced objective's layout and figures,
-- those of the other two, ranks and the arguments to paste. A view: the figures are kept once per architecture.
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
        best.memory_used_gib_per_gpu::double as memory_used_gib_per_gpu,
        best.memory_allowed_gib_per_gpu::double as memory_allowed_gib_per_gpu,
        best.weights_gib_per_gpu::double as weights_gib_per_gpu,
        best.activation_gib_per_gpu::double as activation_gib_per_gpu,
        best.non_torch_gib_per_gpu::double as non_torch_gib_per_gpu,
        best.cuda_graphs_gib_per_gpu::double as cuda_graphs_gib_per_gpu,
        best.kv_cache_gib_per_gpu::double as kv_cache_gib_per_gpu,
        best.band_gib::double as band_gib,
        best.kv_cache_tokens,
        best.max_context,
        best.max_sequences,
        best.batch_per_replica,
        best.ttft_ms::double as ttft_ms,
        best.tpot_ms::double as tpot_ms,
        best.single_stream_ttft_ms::double as single_stream_ttft_ms,
        best.single_stream_tpot_ms::double as single_stream_tpot_ms,
        best.output_tokens_per_s::double as output_tokens_per_s,
        best.bound_by,
        best.calibration,
        best.usd_per_hour::double as usd_per_hour,
        best.spot_usd_per_hour::double as spot_usd_per_hour,
        best.price_region,
        best.price_as_of,
        best.price_stale,
        best.usd_per_million_output_tokens::double as usd_per_million_output_tokens,
        (best.usd_per_million_output_tokens * policy.output_share)::double as usd_per_million_total_tokens,
        best.cost_tp,
        best.cost_pp,
        best.cost_dp,
        best.cost_ep,
        best.cost_output_tokens_per_s::double as cost_output_tokens_per_s,
        best.cost_ttft_ms::double as cost_ttft_ms,
        best.cost_tpot_ms::double as cost_tpot_ms,
        best.cost_usd_per_million_output_tokens::double as cost_usd_per_million_output_tokens,
        best.performance_tp,
        best.performance_pp,
        best.performance_dp,
        best.performance_ep,
        best.performance_output_tokens_per_s::double as performance_output_tokens_per_s,
        best.performance_ttft_ms::double as performance_ttft_ms,
        best.performance_tpot_ms::double as performance_tpot_ms,
        best.performance_usd_per_million_output_tokens::double as performance_usd_per_million_output_tokens,
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
