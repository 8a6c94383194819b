-- Tokens that a windowed layer holds for one sequence: the window, what one engine step adds, and one block that the window's
-- edge cuts.
-- Units: tokens.
-- Source: vLLM sliding-window specification; gpt-oss-120b at 9,472 with 8,192 batched tokens: 8,336.
-- Example: window_held_tokens(9472, 128, 8192, 16) = 8336
-- Example: window_held_tokens(2068, 128, 8192, 16) = 2096
create or replace macro window_held_tokens(context, window_tokens, max_num_batched_tokens, block_tokens) as
    whole_blocks(least(context, window_tokens - 1 + max_num_batched_tokens), block_tokens) + block_tokens;
