-- GPUs that serve the target users when the test GPUs serve `concurrency` of them in time.
-- Units: target_users, concurrency users; test_gpu_count GPUs; result GPUs, not rounded.
-- Source: NVIDIA AIQ toolkit, "Sizing your GPU Cluster", Slope-based Estimation.
-- Example: gpus_for_users(100, 10.83e0, 8) = 73.8689e0
-- Example: gpus_for_users(100, 0, 8) = null
create or replace macro gpus_for_users(target_users, concurrency, test_gpu_count) as
    target_users / nullif(concurrency, 0e0) * test_gpu_count;
