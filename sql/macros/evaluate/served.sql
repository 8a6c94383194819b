-- Third stage of an estimate: a sized replica under a load. Takes the name of a table with the columns of `sized` and kv_dtype,
-- context, input_tokens, output_tokens, concurrency (of the whole deployment; null for the best batch within the default SLO)
-- and cached_share, and adds KV cache, context and sequences that fit, outcome and verdict, batch, times and rates.
--
-- Requests run by their own tokens: as many as max_num_seqs allows and the KV pool carries of this load (requests_that_run),
-- whatever the context. The context decides whether one longest request fits, and nothing else.
--
-- The best batch is the memory's maximum where that meets the default SLO. Else the greatest power of two that does is found
-- first: both times grow with the batch, so halving the exponent four times finds it. From there to twice as many the times are
-- taken as lines, and the batch where the first of them reaches its bound is taken if it meets the SLO indeed (batch_at_bound).
-- Where even one request misses it the batch is 1. With pipeline stages the batch passes in as many parts, so a step sees
-- batch/pp requests.
create or replace macro served(replicas) as table
with

asked_replicas as (
    from query_table(replicas)
),

encoded as (
    select
        *,
        coalesce(
            encoder_peak_gib(
                encoder_tokens(context, encoder_image_tokens, encoder_most_tokens), encoder_bytes_per_token,
                encoder_copied_share, tp
            ),
            0
        ) as encoder_gib,
        coalesce(
            encoder_peak_gib(encoder_image_tokens, encoder_bytes_per_token, encoder_copied_share, tp), 0
        ) as image_encoder_gib
    from asked_replicas
),

loaded as (
    select
        encoded.* replace (
            greatest(activation_gib_per_gpu, encoder_gib) as activation_gib_per_gpu,
            kv_cache_gib_per_gpu - greatest(0, encoder_gib - activation_gib_per_gpu) as kv_cache_gib_per_gpu,
            greatest(0, sampler_gib_per_gpu - greatest(0, encoder_gib - activation_gib_per_gpu)) as sampler_gib_per_gpu
        ),
        greatest(0, encoder_gib - greatest(activation_gib_per_gpu, image_encoder_gib)) as video_gib_per_gpu,
        if(
            encoded.kv_dtype = 'auto' and starts_with(lower(coalesce(kv_cache_scheme, '')), 'fp8'),
            0.5e0,
            precisions.kv_bytes_factor
        ) as kv_factor,
        case
            when precisions.min_capability > capability
                then format(
                    'a KV cache in {} needs compute capability {:.1f}, the card has {:.1f}',
                    encoded.kv_dtype, precisions.min_capability, capability
                )
        end as kv_refusal,
        policy.slo_tpot_ms / if(policy.slo_holds_high_ends, coalesce(intervals.tpot_high, 1), 1) as slo_tpot_ms,
        policy.slo_ttft_ms / if(policy.slo_holds_high_ends, coalesce(intervals.ttft_high, 1), 1) as slo_ttft_ms,
        policy.slo_ttft_ms_per_input_token / if(policy.slo_holds_high_ends, coalesce(intervals.ttft_high, 1), 1)
            as slo_ttft_ms_per_input_token,
        input_tokens + output_tokens / 2e0 as mean_context,
        input_tokens * (1 - coalesce(cached_share, 0)) as new_tokens
    from encoded
    join kv_dtypes as precisions using (kv_dtype)
    cross join policy_settings as policy
    left join speed_intervals as intervals on intervals.calibration = encoded.speed_calibration
),

charged as (
    select
        *,
        coalesce(refusal, kv_refusal, context_refusal(context, max_model_len_limit)) as start_refusal,
        kv_factor * coalesce(stage_full_layers / nullif(full_layers, 0), 0)
            * (full_divided_bytes * full_kv_share + full_copied_bytes)
            + coalesce(stage_full_layers / nullif(full_layers, 0), 0) * index_bytes as full_bytes,
        kv_factor * coalesce(stage_window_1_layers / nullif(window_1_layers, 0), 0) * window_1_bytes * window_kv_share
            as windowed_1_bytes,
        kv_factor * coalesce(stage_window_2_layers / nullif(window_2_layers, 0), 0) * window_2_bytes * window_kv_share
            as windowed_2_bytes,
        state_bytes_per_layer / tp as stage_state_bytes_per_layer,
        stage_window_1_layers + stage_window_2_layers as stage_window_layers
    from loaded
),

paged as (
    select
        *,
        full_bytes * padded_layers(
            stage_full_layers, if(stage_window_layers > 0, stage_window_layers, stage_state_layers), layer_group_tolerance
        ) / greatest(stage_full_layers, 1) as full_page_bytes,
        windowed_1_bytes * padded_layers(stage_window_1_layers, stage_full_layers, layer_group_tolerance)
            / greatest(stage_window_1_layers, 1) as window_1_page_bytes,
        windowed_2_bytes * padded_layers(stage_window_2_layers, stage_full_layers, layer_group_tolerance)
            / greatest(stage_window_2_layers, 1) as window_2_page_bytes,
        hybrid_block_tokens(
            if(stage_state_layers > 0, stage_state_bytes_per_layer, 0),
            if(stage_full_layers > 0, full_bytes / stage_full_layers, windowed_1_bytes / greatest(stage_window_1_layers, 1)),
            block_tokens
        ) as full_block_tokens
    from charged
),

accounted as (
    select
        *,
        full_page_bytes + if(windowed_layers_charged_in_full = 1, window_1_page_bytes + window_2_page_bytes, 0) as token_bytes,
        if(windowed_layers_charged_in_full = 1, 0, window_1_page_bytes) as window_1_token_bytes,
        if(windowed_layers_charged_in_full = 1, 0, window_2_page_bytes) as window_2_token_bytes,
        if(
            stage_full_layers > 0,
            padded_layers(stage_state_layers, stage_full_layers, layer_group_tolerance)
                * greatest(stage_state_bytes_per_layer, full_block_tokens * full_bytes / stage_full_layers)
                * (stage_state_layers > 0)::integer,
            stage_state_layers * stage_state_bytes_per_layer
        ) as sequence_state_bytes,
        kv_cache_gib_per_gpu * 1024 ^ 3 as pool_bytes
    from paged
),

measured as (
    select
        *,
        sequence_bytes(
            context, full_block_tokens, block_tokens, token_bytes, window_1_token_bytes, window_1_tokens, window_2_token_bytes,
            window_2_tokens, max_num_batched_tokens, sequence_state_bytes
        ) as needed_bytes,
        request_bytes(
            ceil(mean_context), full_block_tokens, block_tokens, token_bytes, window_1_token_bytes, window_1_tokens,
            window_2_token_bytes, window_2_tokens, sequence_state_bytes
        ) as mean_request_bytes,
        request_bytes(
            input_tokens + output_tokens, full_block_tokens, block_tokens, token_bytes, window_1_token_bytes, window_1_tokens,
            window_2_token_bytes, window_2_tokens, sequence_state_bytes
        ) as peak_request_bytes,
        tokens_divided_by_layer_groups = 0 and window_1_token_bytes + window_2_token_bytes + sequence_state_bytes > 0
            as cost_depends_on_length,
        if(
            tokens_divided_by_layer_groups = 1 and stage_full_layers > 0,
            1 + padded_layers(stage_state_layers, stage_full_layers, layer_group_tolerance) / stage_full_layers,
            1
        ) as groups_of_pages
    from accounted
),

held as (
    select
        *,
        needed_bytes / 1024 ^ 3 as kv_needed_gib_per_gpu,
        kv_cache_gib_per_gpu - needed_bytes / 1024 ^ 3 as free_gib_per_gpu,
        fit_outcome(
            start_refusal, reported_memory_gib, memory_allowed_gib_per_gpu, weights_gib_per_gpu, activation_gib_per_gpu,
            kv_cache_gib_per_gpu, needed_bytes / 1024 ^ 3, cuda_graphs_gib_per_gpu, cuda_graphs_in_budget
        ) as outcome,
        cached_tokens(
            pool_bytes, token_bytes * groups_of_pages, full_block_tokens, context, needed_bytes, cost_depends_on_length
        ) as kv_cache_tokens,
        longest_context(
            pool_bytes, full_block_tokens, block_tokens, token_bytes, window_1_token_bytes, window_1_tokens, window_2_token_bytes,
            window_2_tokens, max_num_batched_tokens, sequence_state_bytes, max_model_len_limit
        )::bigint as max_context,
        sequences_that_fit(pool_bytes, needed_bytes) as max_sequences,
        transfer_ms(
            kv_factor * (
                (full_divided_bytes * full_kv_share + full_copied_bytes) * mean_context
                + window_kv_share * coalesce(window_1_bytes * least(mean_context, window_1_tokens), 0)
                + window_kv_share * coalesce(window_2_bytes * least(mean_context, window_2_tokens), 0)
            ) + index_bytes * mean_context,
            bandwidth,
            kv_efficiency
        ) as kv_read_ms,
        compute_ms(
            (
                full_decode_flops * mean_context
                + coalesce(window_1_decode_flops * least(mean_context, window_1_tokens), 0)
                + coalesce(window_2_decode_flops * least(mean_context, window_2_tokens), 0)
            ) / tp,
            plain_tflops * card_share,
            decode_efficiency * attention_efficiency
        ) as attention_ms,
        transfer_ms(2 * state_bytes / tp, bandwidth, kv_efficiency) as state_ms,
        compute_ms(
            (
                full_prefill_flops * windowed_pairs(new_tokens, input_tokens, null)
                + coalesce(window_1_prefill_flops * windowed_pairs(new_tokens, input_tokens, window_1_tokens), 0)
                + coalesce(window_2_prefill_flops * windowed_pairs(new_tokens, input_tokens, window_2_tokens), 0)
            ) / tp,
            plain_tflops * card_share,
            prefill_efficiency * attention_efficiency
        ) as prefill_attention_ms
    from measured
),

paced as (
    select
        *,
        outcome = 'started' as fits,
        fit_verdict(outcome, free_gib_per_gpu, band_gib) as verdict,
        greatest(1, least(requests_that_run(pool_bytes, mean_request_bytes, peak_request_bytes), max_num_seqs)) as batch_limit,
        (dense_token_ms + head_token_ms) / decode_efficiency as matrices_token_ms,
        expert_token_ms / decode_efficiency as experts_token_ms,
        communication_ms + overhead_ms as step_fixed_ms,
        greatest(kv_read_ms, attention_ms) + state_ms + communication_token_ms + request_ms as step_request_ms,
        prefill_ms(
            new_tokens,
            matrices_ms,
            dense_token_ms / prefill_efficiency,
            experts_ms,
            expert_token_ms / prefill_efficiency,
            expert_log_miss,
            expert_tokens,
            communication_ms,
            communication_token_ms + activation_token_ms,
            prefill_attention_ms
        ) * pipeline_share(new_tokens, max_num_batched_tokens, pp) as prompt_ms
    from held
),

eighth_tried as (
    select
        *,
        stage_batch(256, pp) as part_8,
        decode_step_ms(
            stage_batch(256, pp), matrices_ms, matrices_token_ms, experts_ms, experts_token_ms, expert_log_miss,
            expert_tokens, step_fixed_ms, step_request_ms
        ) as decode_8_ms
    from paced
),

eighth as (
    select
        * exclude (part_8, decode_8_ms),
        if(batch_limit >= 256 and batch_meets_slo(
            part_8, decode_8_ms, prompt_ms, input_tokens, output_tokens, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma,
            phi,
            slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms
        ), 8, 0) as exponent_8
    from eighth_tried
),

fourth_tried as (
    select
        *,
        stage_batch(1::bigint << (exponent_8 + 4), pp) as part_4,
        decode_step_ms(
            stage_batch(1::bigint << (exponent_8 + 4), pp), matrices_ms, matrices_token_ms, experts_ms, experts_token_ms,
            expert_log_miss,
            expert_tokens, step_fixed_ms, step_request_ms
        ) as decode_4_ms
    from eighth
),

fourth as (
    select
        * exclude (part_4, decode_4_ms, exponent_8),
        exponent_8 + if(batch_limit >= 1::bigint << (exponent_8 + 4) and batch_meets_slo(
            part_4, decode_4_ms, prompt_ms, input_tokens, output_tokens, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma,
            phi,
            slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms
        ), 4, 0) as exponent_4
    from fourth_tried
),

second_tried as (
    select
        *,
        stage_batch(1::bigint << (exponent_4 + 2), pp) as part_2,
        decode_step_ms(
            stage_batch(1::bigint << (exponent_4 + 2), pp), matrices_ms, matrices_token_ms, experts_ms, experts_token_ms,
            expert_log_miss,
            expert_tokens, step_fixed_ms, step_request_ms
        ) as decode_2_ms
    from fourth
),

second as (
    select
        * exclude (part_2, decode_2_ms, exponent_4),
        exponent_4 + if(batch_limit >= 1::bigint << (exponent_4 + 2) and batch_meets_slo(
            part_2, decode_2_ms, prompt_ms, input_tokens, output_tokens, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma,
            phi,
            slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms
        ), 2, 0) as exponent_2
    from second_tried
),

first_tried as (
    select
        *,
        stage_batch(1::bigint << (exponent_2 + 1), pp) as part_1,
        decode_step_ms(
            stage_batch(1::bigint << (exponent_2 + 1), pp), matrices_ms, matrices_token_ms, experts_ms, experts_token_ms,
            expert_log_miss,
            expert_tokens, step_fixed_ms, step_request_ms
        ) as decode_1_ms
    from second
),

first as (
    select
        * exclude (part_1, decode_1_ms, exponent_2),
        exponent_2 + if(batch_limit >= 1::bigint << (exponent_2 + 1) and batch_meets_slo(
            part_1, decode_1_ms, prompt_ms, input_tokens, output_tokens, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma,
            phi,
            slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms
        ), 1, 0) as exponent_1
    from first_tried
),

limit_tried as (
    select
        *,
        stage_batch(batch_limit, pp) as limit_part,
        decode_step_ms(
            stage_batch(batch_limit, pp), matrices_ms, matrices_token_ms, experts_ms, experts_token_ms, expert_log_miss,
            expert_tokens, step_fixed_ms, step_request_ms
        ) as limit_decode_ms
    from first
),

coarsely_batched as (
    select
        * exclude (limit_part, limit_decode_ms, exponent_1),
        case
            when concurrency is not null then least(greatest(1e0, concurrency / dp::double), batch_limit)
            when batch_meets_slo(
                limit_part, limit_decode_ms, prompt_ms, input_tokens, output_tokens, idle_t0_ms, loaded_t0_ms, loaded_steps,
                kappa, gamma, phi, slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms
            ) then batch_limit::double
            else (1::bigint << exponent_1)::double
        end as coarse_batch
    from limit_tried
),

bracketed as (
    select
        *,
        if(concurrency is null, least(2 * coarse_batch, batch_limit), coarse_batch)::double as greater_batch,
        stage_batch(coarse_batch, pp) as coarse_part,
        decode_step_ms(
            stage_batch(coarse_batch, pp), matrices_ms, matrices_token_ms, experts_ms, experts_token_ms, expert_log_miss,
            expert_tokens, step_fixed_ms, step_request_ms
        ) as coarse_decode_ms,
        stage_batch(if(concurrency is null, least(2 * coarse_batch, batch_limit), coarse_batch), pp) as greater_part,
        decode_step_ms(
            stage_batch(if(concurrency is null, least(2 * coarse_batch, batch_limit), coarse_batch), pp), matrices_ms,
            matrices_token_ms, experts_ms, experts_token_ms, expert_log_miss, expert_tokens, step_fixed_ms, step_request_ms
        ) as greater_decode_ms
    from coarsely_batched
),

interpolated as (
    select
        *,
        if(
            greater_batch > coarse_batch,
            floor(
                least(
                    batch_at_bound(
                        coarse_batch,
                        ttft_ms(
                            coarse_part, coarse_decode_ms, prompt_ms, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma
                        ),
                        greater_batch,
                        ttft_ms(
                            greater_part, greater_decode_ms, prompt_ms, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma
                        ),
                        slo_ttft_ms + slo_ttft_ms_per_input_token * input_tokens
                    ),
                    batch_at_bound(
                        coarse_batch,
                        tpot_ms(coarse_decode_ms, coarse_part, output_tokens, prompt_ms, phi),
                        greater_batch,
                        tpot_ms(greater_decode_ms, greater_part, output_tokens, prompt_ms, phi),
                        slo_tpot_ms
                    )
                )
            ),
            coarse_batch
        ) as fine_batch
    from bracketed
),

finely_tried as (
    select
        * exclude (greater_batch, greater_part, greater_decode_ms),
        stage_batch(fine_batch, pp) as fine_part,
        decode_step_ms(
            stage_batch(fine_batch, pp), matrices_ms, matrices_token_ms, experts_ms, experts_token_ms, expert_log_miss,
            expert_tokens, step_fixed_ms, step_request_ms
        ) as fine_decode_ms
    from interpolated
),

judged as (
    select
        *,
        fine_batch > coarse_batch and batch_meets_slo(
            fine_part, fine_decode_ms, prompt_ms, input_tokens, output_tokens, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa,
            gamma, phi, slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms
        ) as takes_fine_batch
    from finely_tried
),

stepped as (
    select
        * exclude (
            coarse_batch, coarse_part, coarse_decode_ms, fine_batch, fine_part, fine_decode_ms, takes_fine_batch
        ),
        if(takes_fine_batch, fine_batch, coarse_batch) as batch,
        if(takes_fine_batch, fine_part, coarse_part) as part,
        if(takes_fine_batch, fine_decode_ms, coarse_decode_ms) as decode_ms,
        decode_step_ms(
            1, matrices_ms, matrices_token_ms, experts_ms, experts_token_ms, expert_log_miss,
            expert_tokens, step_fixed_ms, step_request_ms
        ) as single_decode_ms
    from judged
),

timed as (
    select
        *,
        if(fits, ttft_ms(part, decode_ms, prompt_ms, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma), null) as ttft_ms,
        if(fits, tpot_ms(decode_ms, part, output_tokens, prompt_ms, phi), null) as tpot_ms,
        if(fits, ttft_ms(1, single_decode_ms, prompt_ms, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma), null)
            as single_stream_ttft_ms,
        if(fits, single_decode_ms, null) as single_stream_tpot_ms,
        if(concurrency is null, batch * dp, least(concurrency, batch * dp)) as requests
    from stepped
)

from timed;
