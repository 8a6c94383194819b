-- Part of a step's exchange of tokens among attention copies that share their experts that does not depend on its tokens: a
-- dispatch and a combine in each layer of experts, with the wait for the slowest copy. None where the experts stay within one
-- copy (ep <= tp).
-- Units: ms; step_us in microseconds.
-- Source: fitted to measured runs with several attention copies.
-- Example: all_to_all_fixed_ms(2, 4, 60, 15) = 1.8
-- Example: all_to_all_fixed_ms(4, 4, 60, 15) = 0
create or replace macro all_to_all_fixed_ms(tp, ep, moe_layers, step_us) as if(ep > tp, 2e0 * moe_layers * step_us / 1000, 0);
