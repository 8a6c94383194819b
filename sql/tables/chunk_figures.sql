-- The choices of one chunk with their figures: a row is one precision, KV precision and context of an architecture on one kind of machine,
-- with the layouts of the three objectives. Nothing here knows a price. quality orders what is lost: weights before KV cache.
create or replace temp table chunk_figures as
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
)

from figured;
