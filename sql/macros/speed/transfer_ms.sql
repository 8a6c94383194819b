-- Time to move bytes at a share of a bandwidth.
-- Units: ms from bytes and GB/s.
-- Source: roofline; efficiencies are rows of the speed_coefficients catalog.
-- Example: transfer_ms(16e9, 3350, 0.85e0) = 5.6190
create or replace macro transfer_ms(bytes, gb_per_s, efficiency) as bytes / nullif(gb_per_s * efficiency * 1e6, 0);
