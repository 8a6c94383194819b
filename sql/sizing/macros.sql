-- Formulas of cluster sizing from a measured concurrency sweep, each written once.
-- Source of the first three: NVIDIA AIQ toolkit, "Sizing your GPU Cluster", Slope-based Estimation.

-- Concurrency at which the test GPUs just meet the target (users), from a line of time on concurrency (s, s per user).
-- Example: target 10 s, intercept 3.5 s, slope 0.6 s → 10.83.
create or replace macro concurrency_for_target(target_s, intercept_s, slope_s) as
    (target_s - intercept_s) / nullif(slope_s, 0e0);

-- GPUs that serve the target users when the test GPUs serve `concurrency` of them in time.
-- Example: 100 users, 10.83 on 8 GPUs → 73.8.
create or replace macro gpus_for_users(target_users, concurrency, test_gpu_count) as
    target_users / nullif(concurrency, 0e0) * test_gpu_count;

-- Rough estimate from one concurrency: users over concurrency, times the share of the target that the time takes up.
-- Example: 100 users at concurrency 1 on 8 GPUs, 4.03488 s of 10 s → 322.79.
create or replace macro rough_gpus(target_users, concurrency, test_gpu_count, observed_s, target_s) as
    target_users / nullif(concurrency, 0e0) * (observed_s / nullif(target_s, 0e0)) * test_gpu_count;

-- Leverage of one of n points of a least-squares line: how far it pulls the line to itself.
create or replace macro leverage(n, x, mean_x, sxx) as
    1e0 / n + power(x - mean_x, 2) / nullif(sxx, 0e0);

-- Externally studentized residual: a point's distance from the line in standard errors of the line without it
-- (Belsley, Kuh, Welsch 1980). Infinite where the other points lie on a line and this one does not.
create or replace macro studentized_deviation(residual, lever, squared_error, n) as
    case
        when n < 4 or lever >= 1e0 - 1e-9 then 0e0
        when squared_error <= 0e0 then 0e0
        else coalesce(
            abs(residual) / nullif(
                sqrt(greatest((squared_error - power(residual, 2) / (1e0 - lever)) / (n - 3), 0e0) * (1e0 - lever)),
                0e0
            ),
            'infinity'::double
        )
    end;

-- Whole GPUs: up to the next whole replica of `gpus_per_replica` GPUs. Example: 75.35 → 76; on replicas of 8 GPUs → 80.
create or replace macro whole_gpus(gpus, gpus_per_replica) as
    ceil(gpus / gpus_per_replica - 1e-9) * gpus_per_replica;

-- Machines that hold the replicas, each replica whole on one machine; null where a machine is too small for one.
create or replace macro whole_nodes(gpus, gpus_per_replica, gpus_per_node) as
    ceil((gpus / gpus_per_replica) / nullif(floor(gpus_per_node / gpus_per_replica), 0e0) - 1e-9);
