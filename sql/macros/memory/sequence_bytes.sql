-- KV cache and state of one sequence on one GPU. full_bytes are the bytes a token costs in layers without a window,
-- window_1_bytes and window_2_bytes those in windowed layers (0 where there are none), state_bytes the fixed state.
-- Units: bytes, tokens.
-- Source: vLLM KV cache specifications; gpt-oss-120b on H200 at 9,472: (9,472 + 8,336) x 36,864 bytes.
-- Example: sequence_bytes(9472, 16, 16, 36864, 36864, 128, 0, null, 8192, 0) = 656474112
-- Example: sequence_bytes(100, 16, 16, 10, 0, null, 0, null, 8192, 5) = 1125
create or replace macro sequence_bytes(
    context, full_block_tokens, block_tokens, full_bytes, window_1_bytes, window_1_tokens, window_2_bytes, window_2_tokens,
    max_num_batched_tokens, state_bytes
) as
    whole_blocks(context, full_block_tokens) * full_bytes
    + coalesce(window_held_tokens(context, window_1_tokens, max_num_batched_tokens, block_tokens) * window_1_bytes, 0)
    + coalesce(window_held_tokens(context, window_2_tokens, max_num_batched_tokens, block_tokens) * window_2_bytes, 0)
    + state_bytes;
