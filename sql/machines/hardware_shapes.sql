-- A row is one recommendable shape and the kind of machine that it is. Only the largest machine that a provider sells with an
-- accelerator, and whose network is known, is offered in numbers: a larger machine comes before several.
create or replace table hardware_shapes as
with

usable as (
    from shape_hardware
    where not_recommended_reason is null
),

numbered as (
    select
        usable.provider,
        usable.shape,
        hardware.hardware,
        usable.network_gb_per_s is not null
            and usable.gpu_count >= 1
            and usable.gpu_count = max(usable.gpu_count) over (partition by usable.provider, usable.gpu) as is_scaled_out
    from usable
    join hardware
        on hardware.gpu = usable.gpu
        and hardware.gpu_count = usable.gpu_count
        and hardware.reported_memory_gib = usable.reported_memory_gib
        and hardware.interconnect_kind is not distinct from usable.interconnect_kind
        and hardware.link_gb_per_s is not distinct from usable.link_gb_per_s
        and hardware.network_gb_per_s is not distinct from usable.network_gb_per_s
)

from numbered
order by provider, shape;
