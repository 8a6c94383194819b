-- supply: one row per shape of the measured GPU that can hold a replica: machines, GPUs and price for the sized cluster,
-- the cheapest first, unpriced shapes last. Parameters: gpus, gpus_high (null: no upper end), gpus_per_replica, gpu.
with

candidates as (
    select *
    from shapes
    where gpu = $gpu
        and gpu_count >= $gpus_per_replica
        -- a fraction of a GPU is not the GPU that was measured
        and gpu_count = floor(gpu_count)
),

on_demand as (
    select *
    from prices
    where price_kind = 'on_demand'
),

counted as (
    select
        candidates.provider,
        candidates.shape,
        candidates.gpu,
        candidates.gpu_count as gpus_per_node,
        whole_nodes($gpus, $gpus_per_replica, candidates.gpu_count)::integer as nodes,
        whole_nodes($gpus_high, $gpus_per_replica, candidates.gpu_count)::integer as nodes_high,
        on_demand.usd_per_hour as node_usd_per_hour,
        on_demand.price_region,
        on_demand.price_as_of
    from candidates
    left join on_demand using (provider, shape)
)

select
    provider,
    shape,
    gpu,
    nodes,
    (nodes * gpus_per_node)::integer as gpu_count,
    nodes * node_usd_per_hour as usd_per_hour,
    nodes_high * node_usd_per_hour as usd_per_hour_high,
    price_region,
    price_as_of
from counted
order by usd_per_hour nulls last, gpu_count, provider, shape;
