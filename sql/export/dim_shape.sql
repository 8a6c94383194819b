-- A row is one shape with its provider, its accelerator and its prices for one machine.
with

described as (
    select
        star_key(shapes.provider || '/' || shapes.shape) as shape_id,
        shapes.provider,
        providers.provider_name,
        shapes.shape,
        shapes.accelerator,
        shapes.gpu,
        gpus.vendor,
        gpus.name as gpu_name,
        gpus.gpu_architecture,
        gpus.memory_bandwidth_gb_per_s,
        shapes.gpu_count,
        shapes.memory_gib_per_gpu,
        shapes.vcpu,
        shapes.host_memory_gib,
        shapes.interconnect_kind,
        shapes.interconnect_gb_per_s,
        shapes.network_gb_per_s,
        prices.usd_per_hour,
        prices.spot_usd_per_hour,
        prices.price_region,
        prices.price_as_of,
        prices.price_stale,
        hardware.not_recommended_reason
    from shapes
    join providers using (provider)
    join gpus using (gpu)
    left join shape_prices as prices using (provider, shape)
    left join shape_hardware as hardware using (provider, shape)
)

from described
order by
    provider,
    shape;
