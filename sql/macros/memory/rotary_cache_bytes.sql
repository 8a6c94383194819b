-- Tables of rotary sines and cosines that an engine computes once for every position that the config's scaling spans, whatever
-- context it serves. Every GPU holds them whole.
-- Units: bytes of one GPU; values, of 2 bytes each.
-- Source: vLLM pull request 44738, which measures what shorter tables would save; Llama-3.1-8B loads 14.99 GiB where 14.96 are
-- stored; gemma-3-12b, whose linear scaling spans 8 x 131,072 positions of 256 values beside the windowed layers' 131,072, 23.31
-- where 22.76 are.
-- Example: rotary_cache_bytes(16777216) = 33554432
-- Example: rotary_cache_bytes(301989888) = 603979776
create or replace macro rotary_cache_bytes(rotary_values) as 2e0 * rotary_values;
