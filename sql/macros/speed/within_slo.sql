-- Whether a load meets the bounds on time to first token and on time per output token; the first grows with the prompt.
-- Units: ms, tokens.
-- Source: bounds are rows of the policies catalog.
-- Example: within_slo(2400, 90, 1000, 2000, 0.42e0, 100) = true
-- Example: within_slo(2500, 90, 1000, 2000, 0.42e0, 100) = false
-- Example: within_slo(100, 101, 1000, 2000, 0.42e0, 100) = false
create or replace macro within_slo(ttft, tpot, input_tokens, slo_ttft_ms, slo_ttft_ms_per_input_token, slo_tpot_ms) as
    ttft <= slo_ttft_ms + slo_ttft_ms_per_input_token * input_tokens and tpot <= slo_tpot_ms;
