-- Requests that a deployment answers in a second with a number of them always in flight.
-- Units: requests/s; requests of the whole deployment; ms.
-- Source: closed loop: each request leaves after its latency and the next takes its place.
-- Example: requests_per_s(32, 101, 500, 10) = 21.333333
create or replace macro requests_per_s(requests, output_tokens, ttft, tpot) as
    1000e0 * requests / nullif(request_latency_ms(ttft, tpot, output_tokens), 0);
