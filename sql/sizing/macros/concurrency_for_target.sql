-- Concurrency at which the test GPUs just meet the target, from a line of time on concurrency.
-- Units: target_s, intercept_s s; slope_s s per user; result users.
-- Source: NVIDIA AIQ toolkit, "Sizing your GPU Cluster", Slope-based Estimation.
-- Example: concurrency_for_target(10e0, 3.5e0, 0.6e0) = 10.8333e0
create or replace macro concurrency_for_target(target_s, intercept_s, slope_s) as
    (target_s - intercept_s) / nullif(slope_s, 0e0);
