-- Last stage of an estimate: rates of the whole deployment, cost, and the answer in words. Takes the name of a table with the
-- columns of `served` and usd_per_hour of the deployment.
create or replace macro answered(loads) as table
with

asked_loads as (
    from query_table(loads)
),

smaller_cache as (
    select min_capability as smaller_cache_capability
    from kv_dtypes
    where kv_dtype = 'fp8'
),

-- The shares of a 16-bit matrix that the nightly precisions free.
smaller_weights as (
    select
        1 - max(bits_per_weight) filter (where nightly and speed_class = '8bit') / plain_bits as freed_in_8_bit,
        1 - max(bits_per_weight) filter (where nightly and speed_class = 'w4a16') / plain_bits as freed_in_4_bit
    from quantizations
    cross join (select bits_per_weight as plain_bits from quantizations where quantization = 'bf16')
    where applies_to = 'linear'
    group by plain_bits
),

weighed_terms as (
    select
        *,
        matrices_token_ms * part as matrices_arithmetic_ms,
        experts_ms * expert_coverage(expert_log_miss, expert_tokens * part) as experts_read_ms,
        experts_token_ms * expert_tokens * part as experts_arithmetic_ms
    from asked_loads
    cross join smaller_cache
    cross join smaller_weights
),

rated as (
    select
        *,
        if(matrices_ms >= matrices_arithmetic_ms, matrices_ms, 0)
            + if(experts_read_ms >= experts_arithmetic_ms, experts_read_ms, 0) as step_read_ms,
        if(matrices_ms < matrices_arithmetic_ms, matrices_arithmetic_ms, 0)
            + if(experts_read_ms < experts_arithmetic_ms, experts_arithmetic_ms, 0)
            + if(attention_ms > kv_read_ms, attention_ms * part, 0) as step_arithmetic_ms,
        if(attention_ms > kv_read_ms, 0, kv_read_ms * part) + state_ms * part as step_cache_ms,
        communication_ms + communication_token_ms * part as step_communication_ms,
        overhead_ms + request_ms * part as step_overhead_ms,
        output_tokens_per_s(requests, output_tokens, ttft_ms, tpot_ms) as output_tokens_per_s,
        ceil(batch)::bigint as batch_per_replica,
        layout_refusal is null as layout_valid,
        memory_allowed_gib_per_gpu - kv_cache_gib_per_gpu + kv_needed_gib_per_gpu as memory_used_gib_per_gpu
    from weighed_terms
),

priced as (
    select
        *,
        usd_per_million_output_tokens(usd_per_hour, output_tokens_per_s) as usd_per_million_output_tokens,
        usd_per_million_total_tokens(usd_per_hour, output_tokens_per_s, input_tokens, output_tokens)
            as usd_per_million_total_tokens,
        if(ttft_ms is null, null, speed_calibration) as calibration,
        if(
            ttft_ms is null,
            null,
            bound_by(step_read_ms, step_arithmetic_ms, step_cache_ms, step_communication_ms, step_overhead_ms)
        ) as bound_by,
        fit_reason(
            outcome, start_refusal, weights_gib_per_gpu + activation_gib_per_gpu, reported_memory_gib, free_gib_per_gpu,
            max_context, context, verdict, band_gib, ttft_ms is null, concurrency, batch_limit * dp,
            fit_remedy(
                -free_gib_per_gpu,
                band_gib,
                sampler_gib_per_gpu,
                video_gib_per_gpu,
                max_num_seqs,
                if(kv_factor = 1 and capability >= smaller_cache_capability, (needed_bytes - sequence_state_bytes) / 1024 ^ 3, 0),
                linear_gib_per_gpu,
                freed_in_8_bit,
                freed_in_4_bit,
                weights_gib_per_gpu,
                further_non_torch_gib_per_gpu,
                tp,
                wider_tps
            )
        ) as reason
    from rated
)

from priced;
