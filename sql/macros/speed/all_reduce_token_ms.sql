-- Part of a step's communication that each of its tokens adds: two ring all-reduces a layer of one hidden vector at 2 bytes.
-- Units: ms; GB/s in one direction.
-- Source: ring all-reduce volume 2 (n - 1) / n.
-- Example: all_reduce_token_ms(1, 32, 4096, 450, 0.3e0) = 0
-- Example: all_reduce_token_ms(8, 32, 4096, 450, 0.3e0) = 0.0067964
create or replace macro all_reduce_token_ms(tp, layers, hidden_size, link_gb_per_s, link_efficiency) as
    case
        when tp = 1 then 0e0
        else 2 * layers * transfer_ms(2e0 * (tp - 1) / tp * hidden_size * 2, link_gb_per_s, link_efficiency)
    end;
