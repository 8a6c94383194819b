-- Time from a request to the last token of its answer.
-- Units: ms; tokens.
-- Source: the first token after TTFT, each further one after TPOT.
-- Example: request_latency_ms(500, 10, 101) = 1500
create or replace macro request_latency_ms(ttft, tpot, output_tokens) as ttft + (output_tokens - 1) * tpot;
