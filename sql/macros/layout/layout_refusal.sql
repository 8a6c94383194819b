-- Why an engine refuses a layout for an architecture, or null. shard_multiple is the number of which a GPU's share of a
-- feed-forward width must be a multiple (4-bit groups, fp8 blocks); null for no such demand.
-- Units: GPUs, stages, heads, layers.
-- Source: vLLM model loading: heads, KV heads, padded vocabulary, widths, stages and experts must divide.
-- Example: layout_refusal(8, 1, 1, 1, 40, 10, 100352, 40, 0, 17920, null, null) = '10 KV heads can be neither divided by tp 8 nor copied evenly'
-- Example: layout_refusal(2, 1, 1, 1, 71, 1, 65024, 32, 0, 18176, null, null) = '71 attention heads are not divisible by tp 2'
-- Example: layout_refusal(8, 1, 1, 1, 64, 4, 151936, 94, 128, 1536, 1536, 128) = 'a width of 1536 split by tp 8 is no multiple of 128, as the quantization demands: use expert parallel'
-- Example: layout_refusal(4, 1, 1, 1, 32, 8, 128256, 32, 0, 14336, null, null) = null
create or replace macro layout_refusal(
    tp, pp, dp, ep, attention_heads, kv_heads, vocab_size, layers, experts, intermediate_size, moe_intermediate_size,
    shard_multiple
) as
    case
        when tp < 1 or pp < 1 or dp < 1 or ep < 1 then 'tp, pp, dp and ep start at 1'
        when attention_heads % tp <> 0 then format('{} attention heads are not divisible by tp {}', attention_heads, tp)
        when kv_heads % tp <> 0 and tp % nullif(kv_heads, 0) <> 0
            then format('{} KV heads can be neither divided by tp {} nor copied evenly', kv_heads, tp)
        when (whole_blocks(vocab_size, 64)::bigint) % tp <> 0
            then format('a vocabulary of {} padded to a multiple of 64 is not divisible by tp {}', vocab_size, tp)
        when pp > layers then format('{} pipeline stages for {} layers', pp, layers)
        when ep > 1 and coalesce(experts, 0) = 0 then 'expert parallel needs routed experts'
        when ep > 1 and experts % ep <> 0 then format('{} experts are not divisible by ep {}', experts, ep)
        when ep > 1 and (ep % tp <> 0 or (tp * dp) % ep <> 0)
            then format('ep {} must be a multiple of tp {} and divide tp x dp = {}', ep, tp, tp * dp)
        when coalesce(experts, 0) > 0 and ep = 1 and moe_intermediate_size % tp <> 0
            then format('an expert width of {} is not divisible by tp {}', moe_intermediate_size, tp)
        when intermediate_size % tp <> 0
            then format('a feed-forward width of {} is not divisible by tp {}', intermediate_size, tp)
        when coalesce(experts, 0) > 0 and ep = 1 and (moe_intermediate_size // tp) % shard_multiple <> 0
            then format(
                'a width of {} split by tp {} is no multiple of {}, as the quantization demands: use expert parallel',
                moe_intermediate_size, tp, shard_multiple
            )
        when coalesce(experts, 0) = 0 and (intermediate_size // tp) % shard_multiple <> 0
            then format(
                'a width of {} split by tp {} is no multiple of {}, as the quantization demands',
                intermediate_size, tp, shard_multiple
            )
    end;
