-- One decode step of a batch on one replica: for the dense matrices and for the experts the larger of bytes and arithmetic, then
-- what grows with the batch and what does not. experts_tokens is how many tokens of the step meet one set of experts, per
-- request, expert_log_miss the logarithm of the share of experts that one leaves out.
-- Units: ms; batch in requests; matrices_ms and experts_ms are reads of all weights, *_ms_per_token their arithmetic.
-- Source: closed form fitted to measured closed-loop runs; tests/benchmarks/speed_accuracy.py states its error on models left
-- out.
-- Example: decode_step_ms(1, 5, 0.02e0, 0, 0, 0, 1, 2, 0.1e0) = 7.1
-- Example: decode_step_ms(64, 5, 0.02e0, 0, 0, 0, 1, 2, 0.1e0) = 13.4
-- Example: decode_step_ms(1, 5, 0.02e0, 8, 0.01e0, ln(0.9375e0), 1, 2, 0.1e0) = 7.6
create or replace macro decode_step_ms(
    batch, matrices_ms, matrices_ms_per_token, experts_ms, experts_ms_per_token, expert_log_miss, expert_tokens, fixed_ms,
    request_ms
) as
    greatest(matrices_ms, matrices_ms_per_token * batch)
    + greatest(experts_ms * expert_coverage(expert_log_miss, expert_tokens * batch), experts_ms_per_token * expert_tokens * batch)
    + fixed_ms
    + request_ms * batch;
