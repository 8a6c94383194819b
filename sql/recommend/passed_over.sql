-- The one row of the shapes that the question allows and whose machine costs less than $usd_per_hour an hour, which all the
-- machines of the answer cost: how many do not hold the model (and the one of them with the most memory, as the engine is told
-- of it, in GiB of all accelerators), how many hold it and miss the bounds (and the nearest), how many meet them but cost more
-- in the number that is needed.
with

cheaper as (
    select
        offers.provider,
        offers.shape,
        offers.gpu,
        offers.gpu_count,
        machines.reported_memory_gib * greatest(1, offers.gpu_count) as memory_gib,
        holders.shape is not null as holds,
        coalesce(holders.in_precision, false) as in_precision,
        coalesce(holders.meets_bounds, false) as meets_bounds,
        holders.held_ttft_ms,
        holders.held_tpot_ms,
        holders.excess
    from offers
    join hardware as machines using (hardware)
    semi join asked_shapes using (provider, shape)
    left join holders
        on holders.provider = offers.provider
        and holders.shape = offers.shape
    where if($spot, offers.spot_usd_per_hour, offers.usd_per_hour) < $usd_per_hour
)

select
    count(*) filter (where not holds) as shapes_without_room,
    arg_max(provider || ' ' || shape, memory_gib) filter (where not holds) as largest_shape,
    arg_max(gpu, memory_gib) filter (where not holds) as largest_gpu,
    arg_max(gpu_count, memory_gib) filter (where not holds) as largest_gpu_count,
    max(memory_gib) filter (where not holds) as largest_memory_gib,
    count(*) filter (where holds and not in_precision) as shapes_of_other_precisions,
    count(*) filter (where in_precision and not meets_bounds) as shapes_missing_bounds,
    arg_min(provider || ' ' || shape, excess) filter (where in_precision and not meets_bounds) as nearest_shape,
    arg_min(held_ttft_ms, excess) filter (where in_precision and not meets_bounds) as nearest_ttft_ms,
    arg_min(held_tpot_ms, excess) filter (where in_precision and not meets_bounds) as nearest_tpot_ms,
    count(*) filter (where in_precision and meets_bounds) as shapes_needed_in_number
from cheaper;
