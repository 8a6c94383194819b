-- Expected share of a layer's routed experts that a step's tokens touch: 1 - (1 - k/E)^tokens.
-- Units: share; miss is 1 - k/E, what one token leaves out.
-- Source: independent routing; measured steps of MoE models are 34 % off with all experts always read, 24 % with one token's only.
-- Example: expert_coverage(0.9375e0, 1) = 0.0625
-- Example: expert_coverage(0.9375e0, 64) = 0.98393
create or replace macro expert_coverage(miss, tokens) as 1 - pow(miss, tokens);
