-- Tokens of a block in a model with fixed state: blocks grow until an attention page holds one layer's state.
-- Units: tokens; bytes of one layer on one GPU.
-- Source: vLLM page alignment; Qwen3.6-35B-A3B at tp 2: 1,073,152 bytes of state over 1,024 bytes a token in blocks of 16 is
-- 1,056.
-- Example: hybrid_block_tokens(1073152, 1024, 16) = 1056
-- Example: hybrid_block_tokens(0, 1024, 16) = 16
-- Example: hybrid_block_tokens(1073152, 0, 16) = 16
create or replace macro hybrid_block_tokens(state_bytes_per_layer, kv_bytes_per_token_per_layer, block_tokens) as
    greatest(
        block_tokens,
        coalesce(
            whole_blocks(state_bytes_per_layer / nullif(kv_bytes_per_token_per_layer::double, 0), block_tokens),
            block_tokens
        )
    );
