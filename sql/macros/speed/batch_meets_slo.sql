-- Whether a batch, whose decode step is known, meets the bounds on time to first token and time per output token.
-- Units: requests of one stage; ms; tokens.
-- Source: tpot_ms, ttft_ms and within_slo.
-- Example: batch_meets_slo(1, 7.1e0, 50, 1000, 256, 10, 5, 5.7e0, 0.027e0, 1.1e0, 0.64e0, 2000, 0.42e0, 100) = true
-- Example: batch_meets_slo(1024, 109.4e0, 50, 1000, 256, 10, 5, 5.7e0, 0.027e0, 1.1e0, 0.64e0, 2000, 0.42e0, 100) = false
create or replace macro batch_meets_slo(
    batch, decode_ms, prompt_ms, input_tokens, output_tokens, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma, phi,
    slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms
) as
    within_slo(
        ttft_ms(batch, decode_ms, prompt_ms, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma),
        tpot_ms(decode_ms, batch, output_tokens, prompt_ms, phi),
        input_tokens, slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms
    );
