-- Prefill of a number of new prompt tokens on one replica, attention given apart: the same matrix groups as a decode step, with
-- the prefill's own arithmetic rates, activation traffic and communication per token.
-- Units: ms; tokens.
-- Source: closed form fitted to measured closed-loop runs.
-- Example: prefill_ms(1000, 5, 0.03e0, 0, 0, 0, 1, 2, 0.001e0, 4) = 37
-- Example: prefill_ms(0, 5, 0.03e0, 0, 0, 0, 1, 2, 0.001e0, 4) = 0
create or replace macro prefill_ms(
    tokens, matrices_ms, matrices_ms_per_token, experts_ms, experts_ms_per_token, expert_log_miss, expert_tokens, fixed_ms,
    token_ms, attention_ms
) as
    case
        when tokens <= 0 then 0e0
        else
            greatest(matrices_ms, matrices_ms_per_token * tokens)
            + greatest(
                experts_ms * expert_coverage(expert_log_miss, expert_tokens * tokens),
                experts_ms_per_token * expert_tokens * tokens
            )
            + fixed_ms
            + token_ms * tokens
            + attention_ms
    end;
