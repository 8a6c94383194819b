-- The choices of one bucket with their figures: a row is one precision, KV precision and context of an architecture on one kind
-- of machine, with the layouts of the three objectives, all as they are published. Nothing here knows a price: reason is for
-- machines that have one, reason_without_price for those that have none. quality orders what is lost: weights before KV cache.
create or replace temp table bucket_figures as
with

-- Each replica that an objective takes, whatever machine it is copied on.
chosen_replicas as (
    select
        replicas.rowid as replica,
        replicas.replica_class,
        replicas.quality_rank * 2 + (replicas.kv_dtype <> 'auto')::integer as quality,
        replicas.verdict,
        four_decimals(replicas.memory_used_gib_per_gpu) as memory_used_gib_per_gpu,
        four_decimals(replicas.memory_allowed_gib_per_gpu) as memory_allowed_gib_per_gpu,
        four_decimals(replicas.weights_gib_per_gpu) as weights_gib_per_gpu,
        four_decimals(replicas.activation_gib_per_gpu) as activation_gib_per_gpu,
        four_decimals(replicas.non_torch_gib_per_gpu) as non_torch_gib_per_gpu,
        four_decimals(replicas.cuda_graphs_gib_per_gpu) as cuda_graphs_gib_per_gpu,
        four_decimals(replicas.kv_cache_gib_per_gpu) as kv_cache_gib_per_gpu,
        four_decimals(replicas.band_gib) as band_gib,
        replicas.kv_cache_tokens,
        replicas.max_context,
        replicas.max_sequences,
        replicas.max_num_seqs,
        replicas.max_num_batched_tokens,
        replicas.batch_per_replica,
        four_decimals(replicas.ttft_ms) as ttft_ms,
        four_decimals(replicas.tpot_ms) as tpot_ms,
        four_decimals(replicas.single_stream_ttft_ms) as single_stream_ttft_ms,
        four_decimals(replicas.single_stream_tpot_ms) as single_stream_tpot_ms,
        replicas.output_tokens_per_s,
        replicas.bound_by,
        replicas.calibration,
        within_slo(
            replicas.ttft_ms,
            replicas.tpot_ms,
            replicas.context * (1 - policy.output_share),
            policy.slo_ttft_ms,
            policy.slo_ttft_ms_per_input_token,
            policy.slo_tpot_ms
        ) as within_slo
    from bucket_replicas as replicas
    cross join policy_settings as policy
    where replicas.rowid in (
            select cost_replica
            from bucket_choices
            union all
            select performance_replica
            from bucket_choices
            union all
            select balanced_replica
            from bucket_choices
        )
),

engine_arguments as (
    select
        quantizations.quantization,
        kv_dtypes.kv_dtype,
        quantizations.engine_arguments as quantization_arguments,
        kv_dtypes.engine_arguments as kv_arguments
    from quantizations
    cross join kv_dtypes
),

machines as (
    select
        hardware.hardware,
        gpus.vendor,
        gpus.capability
    from hardware
    join gpus using (gpu)
),

figured as (
    select
        choices.architecture_key,
        choices.quantization,
        choices.kv_dtype,
        choices.context,
        choices.hardware,
        choices.nodes,
        balanced.quality,
        balanced_class.tp,
        balanced_class.pp,
        balanced_class.dp,
        balanced_class.ep,
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
        if(balanced.within_slo, balanced.batch_per_replica * balanced_class.dp, 0) as slo_users,
        balanced.ttft_ms,
        three_digits(balanced.ttft_ms * intervals.ttft_low) as ttft_low_ms,
        three_digits(balanced.ttft_ms * intervals.ttft_high) as ttft_high_ms,
        balanced.tpot_ms,
        three_digits(balanced.tpot_ms * intervals.tpot_low) as tpot_low_ms,
        three_digits(balanced.tpot_ms * intervals.tpot_high) as tpot_high_ms,
        balanced.single_stream_ttft_ms,
        balanced.single_stream_tpot_ms,
        four_decimals(balanced.output_tokens_per_s * balanced_class.dp) as output_tokens_per_s,
        three_digits(balanced.output_tokens_per_s * balanced_class.dp * intervals.rate_low) as output_low_tokens_per_s,
        three_digits(balanced.output_tokens_per_s * balanced_class.dp * intervals.rate_high) as output_high_tokens_per_s,
        balanced.bound_by,
        balanced.calibration,
        balanced.within_slo,
        cost_class.tp as cost_tp,
        cost_class.pp as cost_pp,
        cost_class.dp as cost_dp,
        cost_class.ep as cost_ep,
        cost.verdict as cost_verdict,
        cost.memory_used_gib_per_gpu as cost_memory_used_gib_per_gpu,
        cost.weights_gib_per_gpu as cost_weights_gib_per_gpu,
        cost.kv_cache_gib_per_gpu as cost_kv_cache_gib_per_gpu,
        cost.max_context as cost_max_context,
        cost.max_sequences as cost_max_sequences,
        cost.batch_per_replica as cost_batch_per_replica,
        cost.ttft_ms as cost_ttft_ms,
        cost.tpot_ms as cost_tpot_ms,
        cost.single_stream_ttft_ms as cost_single_stream_ttft_ms,
        cost.single_stream_tpot_ms as cost_single_stream_tpot_ms,
        four_decimals(cost.output_tokens_per_s * cost_class.dp) as cost_output_tokens_per_s,
        cost.bound_by as cost_bound_by,
        cost.calibration as cost_calibration,
        cost.within_slo as cost_within_slo,
        performance_class.tp as performance_tp,
        performance_class.pp as performance_pp,
        performance_class.dp as performance_dp,
        performance_class.ep as performance_ep,
        performance.verdict as performance_verdict,
        performance.memory_used_gib_per_gpu as performance_memory_used_gib_per_gpu,
        performance.weights_gib_per_gpu as performance_weights_gib_per_gpu,
        performance.kv_cache_gib_per_gpu as performance_kv_cache_gib_per_gpu,
        performance.max_context as performance_max_context,
        performance.max_sequences as performance_max_sequences,
        performance.batch_per_replica as performance_batch_per_replica,
        performance.ttft_ms as performance_ttft_ms,
        performance.tpot_ms as performance_tpot_ms,
        performance.single_stream_ttft_ms as performance_single_stream_ttft_ms,
        performance.single_stream_tpot_ms as performance_single_stream_tpot_ms,
        four_decimals(performance.output_tokens_per_s * performance_class.dp) as performance_output_tokens_per_s,
        performance.bound_by as performance_bound_by,
        performance.calibration as performance_calibration,
        performance.within_slo as performance_within_slo,
        balanced.max_num_seqs,
        balanced.max_num_batched_tokens,
        arguments.quantization_arguments,
        arguments.kv_arguments,
        serves_half(machines.vendor, machines.capability, choices.architecture_key) as needs_half
    from bucket_choices as choices
    join chosen_replicas as balanced on balanced.replica = choices.balanced_replica
    join chosen_replicas as cost on cost.replica = choices.cost_replica
    join chosen_replicas as performance on performance.replica = choices.performance_replica
    join deployment_classes as balanced_class
        on balanced_class.replica_class = balanced.replica_class and balanced_class.hardware = choices.hardware
    join deployment_classes as cost_class
        on cost_class.replica_class = cost.replica_class and cost_class.hardware = choices.hardware
    join deployment_classes as performance_class
        on performance_class.replica_class = performance.replica_class and performance_class.hardware = choices.hardware
    join engine_arguments as arguments
        on arguments.quantization = choices.quantization and arguments.kv_dtype = choices.kv_dtype
    join machines on machines.hardware = choices.hardware
    left join speed_intervals as intervals on intervals.calibration = balanced.calibration
)

select
    * exclude (max_num_seqs, max_num_batched_tokens, quantization_arguments, kv_arguments, needs_half),
    recommendation_reason(
        verdict, memory_allowed_gib_per_gpu - memory_used_gib_per_gpu, band_gib, 0e0, tpot_ms, within_slo
    ) as reason,
    recommendation_reason(
        verdict, memory_allowed_gib_per_gpu - memory_used_gib_per_gpu, band_gib, null, tpot_ms, within_slo
    ) as reason_without_price,
    vllm_arguments(
        tp, pp, dp, ep, context, max_num_seqs, max_num_batched_tokens, quantization_arguments, kv_arguments, needs_half
    ) as vllm_arguments,
    vllm_arguments(
        cost_tp, cost_pp, cost_dp, cost_ep, context, max_num_seqs, max_num_batched_tokens,
        quantization_arguments, kv_arguments, needs_half
    ) as cost_vllm_arguments,
    vllm_arguments(
        performance_tp, performance_pp, performance_dp, performance_ep, context, max_num_seqs, max_num_batched_tokens,
        quantization_arguments, kv_arguments, needs_half
    ) as performance_vllm_arguments
from figured;
