-- A row is one kind of machine: shapes with the same accelerators, memory and links, whatever their provider and price.
create or replace table hardware as
with

usable as (
    from shape_hardware
    where not_recommended_reason is null
),

kinds as (
    select
        gpu,
        gpu_count,
        reported_memory_gib,
        interconnect_kind,
        link_gb_per_s,
        network_gb_per_s
    from usable
    group by all
)

select
    (row_number() over (
        order by gpu, gpu_count, reported_memory_gib, interconnect_kind, link_gb_per_s, network_gb_per_s
    ))::integer as hardware,
    *
from kinds;
