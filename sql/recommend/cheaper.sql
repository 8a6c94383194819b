-- The one row of the shapes that the question allows, that cost less an hour than $usd_per_hour and that hold the model in no
-- published way: how many there are, and the one with the most memory. Memory is what the engine is told of, in GiB of all
-- accelerators of one machine.
with

passed_over as (
    select
        offers.provider,
        offers.shape,
        offers.gpu,
        offers.gpu_count,
        machines.reported_memory_gib * greatest(1, offers.gpu_count) as memory_gib,
        if($spot, offers.spot_usd_per_hour, offers.usd_per_hour) as usd_per_hour
    from offers
    join hardware as machines using (hardware)
    semi join asked_shapes using (provider, shape)
    anti join architecture_recommendations as held
        on held.architecture_key = $architecture
        and held.context = $context
        and held.provider = offers.provider
        and held.shape = offers.shape
        and ($quantization is null or held.quantization = $quantization)
)

select
    provider,
    shape,
    gpu,
    gpu_count,
    memory_gib,
    usd_per_hour,
    count(*) over () as shapes
from passed_over
where usd_per_hour < $usd_per_hour
order by memory_gib desc, usd_per_hour, provider, shape
limit 1;
