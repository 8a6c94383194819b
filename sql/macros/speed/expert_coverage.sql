-- Expected share of a layer's routed experts that a step's tokens touch: 1 - (1 - k/E)^tokens.
-- Units: share; log_miss is ln(1 - k/E), the logarithm of what one token leaves out (an exponential costs a third of a power).
-- Source: independent routing; measured steps of MoE models are 34 % off with all experts always read, 24 % with one token's
-- only.
-- Example: expert_coverage(ln(0.9375e0), 1) = 0.0625
-- Example: expert_coverage(ln(0.9375e0), 64) = 0.98393
-- Example: expert_coverage(0, 64) = 0
create or replace macro expert_coverage(log_miss, tokens) as 1 - exp(log_miss * tokens);
