-- Time of arithmetic at a share of a peak rate.
-- Units: ms from FLOP and TFLOP/s.
-- Source: roofline; efficiencies are rows of the speed_coefficients catalog.
-- Example: compute_ms(16e9, 989, 0.75e0) = 0.02157
create or replace macro compute_ms(flops, tflops, efficiency) as flops / nullif(tflops * efficiency * 1e9, 0);
