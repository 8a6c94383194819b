-- Time to first token: idle at one request; in closed loop requests queue behind each other's prefills.
-- Units: ms; batch in requests of one replica and stage.
-- Source: measured closed-loop runs; idle checked on 67 open-loop stages.
-- Example: ttft_ms(1, 10, 50, 10, 5, 5.7e0, 0.027e0, 1.1e0) = 70
-- Example: ttft_ms(33, 10, 50, 10, 5, 5.7e0, 0.027e0, 1.1e0) = 173.1
create or replace macro ttft_ms(batch, decode_ms, prefill, idle_t0_ms, loaded_t0_ms, loaded_steps, kappa, gamma) as
    case
        when batch <= 1 then idle_t0_ms + prefill + decode_ms
        else loaded_t0_ms + loaded_steps * decode_ms + prefill * (1 + kappa * pow(batch - 1, gamma))
    end;
