-- Recommendations with figures that cannot be: no sequence, a context beyond the longest that fits, times or prices that are not
-- positive, a layout that does not use its accelerators.
select
    architecture_key,
    provider,
    shape,
    nodes,
    quantization,
    context,
    max_sequences,
    max_context,
    tpot_ms,
    usd_per_hour
from architecture_recommendations
where max_sequences < 1
    or batch_per_replica < 1
    or max_context < context
    or tpot_ms <= 0
    or ttft_ms <= 0
    or output_tokens_per_s <= 0
    or single_stream_tpot_ms > tpot_ms * 1.001
    or usd_per_hour <= 0
    or tp * pp * dp <> greatest(1, gpu_count)
    or verdict not in ('fits', 'tight');
