-- The dominant term of a step: reads of weights where they outweigh their arithmetic, arithmetic where it outweighs the reads (attention
-- included), KV cache and state, communication, overheads. Null where the engine does not start.
-- Units: requests of one stage; ms.
-- Source: the terms of decode_step_ms.
-- Example: step_bound_by(true, 1, 5, 0.02e0, 0, 0, 0, 1, 0.1e0, 0.01e0, 0, 0.2e0, 0.001e0, 2, 0.0214e0) = 'memory_bandwidth'
-- Example: step_bound_by(true, 512, 5, 0.02e0, 0, 0, 0, 1, 0.01e0, 0.001e0, 0, 0.2e0, 0.001e0, 2, 0.005e0) = 'compute'
-- Example: step_bound_by(false, 1, 5, 0.02e0, 0, 0, 0, 1, 0.1e0, 0.01e0, 0, 0.2e0, 0.001e0, 2, 0.0214e0) = null
create or replace macro step_bound_by(
    starts, batch, matrices_ms, matrices_token_ms, experts_ms, experts_token_ms, expert_log_miss, expert_tokens, kv_read_ms, attention_ms,
    state_ms, communication_ms, communication_token_ms, overhead_ms, request_ms
) as
    case
        when starts then bound_by(
            if(matrices_ms >= matrices_token_ms * batch, matrices_ms, 0)
                + if(
                    experts_ms * expert_coverage(expert_log_miss, expert_tokens * batch) >= experts_token_ms * expert_tokens * batch,
                    experts_ms * expert_coverage(expert_log_miss, expert_tokens * batch),
                    0
                ),
            if(matrices_ms < matrices_token_ms * batch, matrices_token_ms * batch, 0)
                + if(
                    experts_ms * expert_coverage(expert_log_miss, expert_tokens * batch) < experts_token_ms * expert_tokens * batch,
                    experts_token_ms * expert_tokens * batch,
                    0
                )
                + if(attention_ms > kv_read_ms, attention_ms * batch, 0),
            if(attention_ms > kv_read_ms, 0, kv_read_ms * batch) + state_ms * batch,
            communication_ms + communication_token_ms * batch,
            overhead_ms + request_ms * batch
        )
    end;
