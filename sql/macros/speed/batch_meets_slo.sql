-- Whether a batch of one replica meets the bounds on time to first token and time per output token. With pipeline stages the batch
-- passes in as many parts.
-- Units: requests; ms; tokens.
-- Source: decode_step_ms, tpot_ms, ttft_ms and within_slo.
-- Example: batch_meets_slo(1, 1, 5, 0.02e0, 0, 0, 1, 1, 2, 0.1e0, 50, 1000, 256, 10, 5, 5.7e0, 0.027e0, 1.1e0, 0.64e0, 2000, 0.42e0, 100) = true
-- Example: batch_meets_slo(1024, 1, 5, 0.02e0, 0, 0, 1, 1, 2, 0.1e0, 50, 1000, 256, 10, 5, 5.7e0, 0.027e0, 1.1e0, 0.64e0, 2000, 0.42e0, 100) = false
create or replace macro batch_meets_slo(
    batch, pp, matrices_ms, matrices_token_ms, experts_ms, experts_token_ms, expert_miss, expert_tokens, fixed_ms, request_ms,
    prompt_ms, input_tokens, output_tokens, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma, phi, slo_ttft_ms,
    slo_ttft_ms_per_input_token, slo_tpot_ms
) as
    within_slo(
        ttft_ms(
            stage_batch(batch, pp),
            decode_step_ms(
                stage_batch(batch, pp), matrices_ms, matrices_token_ms, experts_ms, experts_token_ms, expert_miss, expert_tokens,
                fixed_ms, request_ms
            ),
            prompt_ms, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma
        ),
        tpot_ms(
            decode_step_ms(
                stage_batch(batch, pp), matrices_ms, matrices_token_ms, experts_ms, experts_token_ms, expert_miss, expert_tokens,
                fixed_ms, request_ms
            ),
            stage_batch(batch, pp), output_tokens, prompt_ms, phi
        ),
        input_tokens, slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms
    );
