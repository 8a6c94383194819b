-- Part of a step's exchange of tokens among attention copies that share their experts that each of its tokens adds: in each layer
-- of experts a hidden vector at 2 bytes goes to each of its experts, at most to all other GPUs, and comes back.
-- Units: ms; GB/s in one direction.
-- Source: volume of dispatch and combine.
-- Example: all_to_all_token_ms(1, 8, 58, 7168, 8, 450, 0.3e0) = 0.0862284
-- Example: all_to_all_token_ms(4, 4, 58, 7168, 8, 450, 0.3e0) = 0
create or replace macro all_to_all_token_ms(tp, ep, moe_layers, hidden_size, experts_per_token, link_gb_per_s, link_efficiency) as
    if(
        ep > tp,
        2e0 * moe_layers * transfer_ms(2e0 * hidden_size * least(experts_per_token, ep - 1), link_gb_per_s, link_efficiency),
        0
    );
