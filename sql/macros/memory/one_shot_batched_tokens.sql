-- Batched tokens that an engine without chunked prefill takes when none are set: the whole context and at least the plain
-- default, up to a limit beyond which it chunks. Null where the plain default holds.
-- Units: tokens.
-- Source: vLLM V0 engine arguments; Llama-3.1-8B on an RTX 3090: activations of 2.07 GiB at 20,000 and 2.99 at 29,000.
-- Example: one_shot_batched_tokens(20000, 32768, 2048) = 20000
-- Example: one_shot_batched_tokens(1024, 32768, 2048) = 2048
-- Example: one_shot_batched_tokens(40000, 32768, 2048) = null
-- Example: one_shot_batched_tokens(20000, 0, 2048) = null
create or replace macro one_shot_batched_tokens(context, one_shot_prefill_tokens, default_batched_tokens) as
    if(context <= one_shot_prefill_tokens, greatest(context, default_batched_tokens), null);
