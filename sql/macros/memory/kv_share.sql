-- Share of a layer's KV heads that one GPU holds: tensor parallel divides them, but never below one head.
-- Units: share of one replica's heads.
-- Source: vLLM, which replicates KV heads when tp exceeds their number (Qwen3-235B, 4 heads: the same bytes at tp 4 and tp 8).
-- Example: kv_share(2, 8) = 0.5
-- Example: kv_share(8, 4) = 0.25
create or replace macro kv_share(tp, kv_heads) as greatest(1e0 / tp, 1e0 / coalesce(nullif(kv_heads, 0), tp));
