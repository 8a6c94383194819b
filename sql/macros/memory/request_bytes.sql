-- KV cache and state that one running request of a load holds on one GPU, after its prompt and some of its answer. Layers with
-- a window keep the window and the block that its edge cuts: what a prefill step adds beyond it is given back as soon as the
-- step is done.
-- Units: bytes, tokens; arguments as sequence_bytes has them.
-- Source: vLLM frees blocks outside the window before each step (KV cache manager, sliding window).
-- Example: request_bytes(1000, 16, 16, 100, 0, null, 0, null, 5) = 100805
-- Example: request_bytes(9472, 16, 16, 36864, 36864, 128, 0, null, 0) = 354484224
create or replace macro request_bytes(
    tokens, full_block_tokens, block_tokens, full_bytes, window_1_bytes, window_1_tokens, window_2_bytes,
    window_2_tokens, state_bytes
) as
    sequence_bytes(
        tokens, full_block_tokens, block_tokens, full_bytes, window_1_bytes, window_1_tokens, window_2_bytes, window_2_tokens, 1,
        state_bytes
    );
