-- Peak of the profiling run through the encoder, which ends before the text model's begins: the engine reserves the larger of the
-- two. copied_share of what a token holds is hidden states, which every GPU of a replica has whole; tensor parallel divides the
-- rest.
-- Units: GiB; tokens; bytes; GPUs.
-- Source: Qwen2.5-VL-7B on one 79.1 GiB card at utilization 0.22 (vLLM 0.23.0): 17.40 allowed, 15.67 of weights, 0.53 of graphs
-- and -14.28 for the cache leave 15.48, of which 0.25 is other memory.
-- Example: encoder_peak_gib(114688, 142600, 0.35e0, 1) = 15.2311
-- Example: encoder_peak_gib(16384, 142600, 0.35e0, 1) = 2.1759
-- Example: encoder_peak_gib(16384, 142600, 0.35e0, 4) = 1.1151
create or replace macro encoder_peak_gib(tokens, bytes_per_token, copied_share, tp) as
    1e0 * tokens * bytes_per_token * (copied_share + (1 - copied_share) / tp) / 1024 ^ 3;
