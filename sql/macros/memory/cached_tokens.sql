-- Tokens of KV cache of one replica, as the engine states them: whole blocks where every layer keeps every token; where windows
-- or state make a token's cost depend on the length, concurrency times the context.
-- Units: tokens; bytes.
-- Source: vLLM start-up log; Qwen2.5-7B on one H100: 58.53 GiB over 57,344 bytes a token is 1,096,000 tokens.
-- Example: cached_tokens(62846608998, 57344, 16, 8192, 469762048, false) = 1095952
-- Example: cached_tokens(1000, 10, 16, 50, 200, true) = 250
-- Example: cached_tokens(-1, 10, 16, 50, 200, true) = 0
create or replace macro cached_tokens(
    pool_bytes, bytes_per_token, block_tokens, context, bytes_per_sequence, cost_depends_on_length
) as
    greatest(
        0,
        case
            when cost_depends_on_length then floor(pool_bytes / nullif(bytes_per_sequence, 0)::double * context)
            else floor(pool_bytes / nullif(bytes_per_token, 0)::double / block_tokens) * block_tokens
        end
    )::bigint;
