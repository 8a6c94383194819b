-- Memory that an engine may fill on a GPU: a share of all of it, or what is taken before the cache and a share of the rest.
-- Units: GiB.
-- Source: vLLM and SGLang take the share of the whole; TensorRT-LLM's free_gpu_memory_fraction is of what loading leaves.
-- Example: allowed_memory_gib(100, 0.9e0, false, 60) = 90
-- Example: allowed_memory_gib(100, 0.9e0, true, 60) = 96
-- Example: allowed_memory_gib(100, 0.9e0, true, 120) = 100
create or replace macro allowed_memory_gib(reported_gib, utilization, of_free_memory, taken_gib) as
    reported_gib * utilization + if(of_free_memory, (1 - utilization) * least(taken_gib, reported_gib), 0);
