-- The output rate that a layout counts with when layouts of the same machines are compared. Pipeline stages inside one machine
-- are not among the runs that speeds were fitted to, so such a layout counts with the low end of its interval.
-- Units: tokens/s; stages, machines.
-- Source: choice of the product, over the intervals of speed_coefficients.
-- Example: counted_rate(1000, 800, 1, 1) = 1000
-- Example: counted_rate(1000, 800, 2, 1) = 800
-- Example: counted_rate(1000, 800, 2, 2) = 1000
create or replace macro counted_rate(rate, low_rate, pp, nodes) as if(pp > 1 and nodes = 1, coalesce(low_rate, rate), rate);
