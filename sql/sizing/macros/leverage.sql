-- Leverage of one of n points of a least-squares line: how far it pulls the line to itself.
-- Units: n points; x, mean_x users; sxx users squared, the sum of squared distances from the mean; result a share.
-- Source: Belsley, Kuh, Welsch 1980, Regression Diagnostics, the diagonal of the hat matrix of a line.
-- Example: leverage(4, 1e0, 2.5e0, 5e0) = 0.7e0
-- Example: leverage(4, 1e0, 1e0, 0e0) = null
create or replace macro leverage(n, x, mean_x, sxx) as
    1e0 / n + power(x - mean_x, 2) / nullif(sxx, 0e0);
