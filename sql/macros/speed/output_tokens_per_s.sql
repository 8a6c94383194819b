-- Output tokens per second of a deployment with a number of requests always in flight.
-- Units: tokens/s; requests of the whole deployment; ms.
-- Source: closed loop: each request yields its answer in TTFT + (tokens - 1) x TPOT.
-- Example: output_tokens_per_s(32, 101, 500, 10) = 2154.6667
create or replace macro output_tokens_per_s(requests, output_tokens, ttft, tpot) as
    requests_per_s(requests, output_tokens, ttft, tpot) * output_tokens;
