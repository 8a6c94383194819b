-- Rough estimate from one concurrency: users over concurrency, times the share of the target that the time takes up.
-- Units: target_users, concurrency users; test_gpu_count GPUs; observed_s, target_s s; result GPUs, not rounded.
-- Source: NVIDIA AIQ toolkit, "Sizing your GPU Cluster", Slope-based Estimation.
-- Example: rough_gpus(100, 1, 8, 4.03488e0, 10e0) = 322.79e0
create or replace macro rough_gpus(target_users, concurrency, test_gpu_count, observed_s, target_s) as
    target_users / nullif(concurrency, 0e0) * (observed_s / nullif(target_s, 0e0)) * test_gpu_count;
