-- sizing_targets: one row: what is to be met, by how many GPUs it was measured. Null where it was not stated.
create or replace table sizing_targets as
select
    $target_llm_latency_s::double as target_llm_latency_s,
    $target_workflow_runtime_s::double as target_workflow_runtime_s,
    $target_users::bigint as target_users,
    $test_gpu_count::integer as test_gpu_count,
    $gpus_per_replica::integer as gpus_per_replica;
