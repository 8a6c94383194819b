-- GPUs that the KAITO guide asks for: n x memory x utilization = weights x factor + overhead x n + KV cache, solved for n and
-- rounded up. Null where a GPU is smaller than its own overhead, so that no number suffices.
-- Units: GPUs; GiB.
-- Source: KAITO model SKU requirements guide.
-- Example: kaito_gpus(16, 1, 24, 0.9e0, 1.02e0, 2.3e0) = 1
-- Example: kaito_gpus(18, 1, 24, 0.9e0, 1.02e0, 2.3e0) = 2
-- Example: kaito_gpus(16, 1, 2, 0.9e0, 1.02e0, 2.3e0) = null
create or replace macro kaito_gpus(weights, kv_gib, memory_gib, utilization, weights_factor, overhead_gib) as
    case
        when memory_gib * utilization > overhead_gib
            then ceil((weights * weights_factor + kv_gib) / (memory_gib * utilization - overhead_gib)::double)::bigint
    end;
