-- Tokens of the blocks that hold a number of tokens.
-- Units: tokens.
-- Source: the engine hands out KV cache in blocks.
-- Example: whole_blocks(17, 16) = 32
-- Example: whole_blocks(32, 16) = 32
create or replace macro whole_blocks(tokens, block_tokens) as ceil(tokens / block_tokens::double) * block_tokens;
