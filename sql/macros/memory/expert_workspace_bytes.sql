-- Buffers of the tokens that an engine step routes to the experts of one GPU: each routed copy once at the wider of hidden and
-- expert width, once at the wider of hidden and twice the expert width (gate and up). expert_width is one GPU's share.
-- Units: bytes; 2 bytes a value.
-- Source: vLLM fused experts; Kimi-VL-A3B at 8,192 tokens: 0.45 GiB at tp 1, 0.38 at tp 2, and the logs differ by the same 0.07.
-- Example: expert_workspace_bytes(8192, 6, 2048, 1408) = 478150656
-- Example: expert_workspace_bytes(8192, 6, 2048, 704) = 402653184
create or replace macro expert_workspace_bytes(tokens, experts_per_token, hidden_size, expert_width) as
    2e0 * tokens * experts_per_token * (greatest(hidden_size, expert_width) + greatest(hidden_size, 2 * expert_width));
