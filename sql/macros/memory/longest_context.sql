-- Longest single sequence that a pool holds, before the model's own limit. What a sequence needs is the least over lines in which
-- each window either still grows with the context or is full, so the answer is the greatest over those lines; windowed layers
-- alone have no limit (null bytes a token divide to null and greatest skips them, so limit_tokens is returned).
-- Units: bytes, tokens.
-- Source: inverse of sequence_bytes.
-- Example: longest_context(1000, 16, 16, 10, 0, null, 0, null, 8192, 0, 4096) = 96
-- Example: longest_context(656474112, 16, 16, 36864, 36864, 128, 0, null, 8192, 0, 131072) = 9472
-- Example: longest_context(-5, 16, 16, 10, 0, null, 0, null, 8192, 0, 4096) = 0
-- Example: longest_context(1000, 16, 16, 0, 0, null, 0, null, 8192, 100, 4096) = 4096
-- Example: longest_context(50, 16, 16, 0, 0, null, 0, null, 8192, 100, 4096) = 0
create or replace macro longest_context(
    pool_bytes, full_block_tokens, block_tokens, full_bytes, window_1_bytes, window_1_tokens, window_2_bytes, window_2_tokens,
    max_num_batched_tokens, state_bytes, limit_tokens
) as
    case
        when pool_bytes < state_bytes then 0
        else least(
            limit_tokens,
            greatest(
                0,
                floor(
                    (pool_bytes - state_bytes - block_tokens * (window_1_bytes + window_2_bytes))
                    / coalesce(nullif(full_bytes + window_1_bytes + window_2_bytes, 0)::double, 1e-9) / full_block_tokens
                ) * full_block_tokens,
                coalesce(floor(
                    (
                        pool_bytes - state_bytes - block_tokens * window_2_bytes
                        - window_1_bytes * window_held_tokens(limit_tokens, window_1_tokens, max_num_batched_tokens, block_tokens)
                    ) / coalesce(nullif(full_bytes + window_2_bytes, 0)::double, 1e-9) / full_block_tokens
                ) * full_block_tokens, 0),
                coalesce(floor(
                    (
                        pool_bytes - state_bytes
                        - window_1_bytes * window_held_tokens(limit_tokens, window_1_tokens, max_num_batched_tokens, block_tokens)
                        - window_2_bytes * window_held_tokens(limit_tokens, window_2_tokens, max_num_batched_tokens, block_tokens)
                    ) / coalesce(nullif(full_bytes, 0)::double, 1e-9) / full_block_tokens
                ) * full_block_tokens, 0)
            )
        )
    end;
