-- Table of rotary sines and cosines that an engine computes once for every position that the config declares, whatever context it serves.
-- Units: bytes of one GPU at 2 bytes a value; width of the rotated part of a head.
-- Source: vLLM pull request 44738, which measures what shorter tables would save; Llama-3.1-8B loads 14.99 GiB where 14.96 are stored.
-- Example: rotary_cache_bytes(131072, 128) = 33554432
-- Example: rotary_cache_bytes(10485760, 128) = 2684354560
-- Example: rotary_cache_bytes(1048576, null) = 0
create or replace macro rotary_cache_bytes(positions, rotary_width) as coalesce(2e0 * positions * rotary_width, 0);
