-- Time per output token in closed loop: the decode step, and the prefills of the other requests that interrupt it.
-- Units: ms; batch in requests of one replica and stage; prefill without the cached part of the prompt.
-- Source: measured closed-loop runs; phi 0.64; leaving it out costs 7 points of error.
-- Example: tpot_ms(10, 1, 256, 50, 0.64e0) = 10
-- Example: tpot_ms(10, 33, 256, 50, 0.64e0) = 14
create or replace macro tpot_ms(decode_ms, batch, output_tokens, prefill, phi) as
    decode_ms + phi * (batch - 1) / output_tokens * prefill;
