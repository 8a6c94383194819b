-- A row is one kind of machine: shapes with the same accelerators, memory and links, whatever their provider and price. Its
-- number follows from its description, so that it stays when other machines come and go.
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
    (md5_number_lower(concat_ws(
        '|',
        gpu,
        gpu_count,
        reported_memory_gib,
        coalesce(interconnect_kind, ''),
        coalesce(link_gb_per_s::varchar, ''),
        coalesce(network_gb_per_s::varchar, '')
    )) >> 1)::bigint as hardware,
    *
from kinds
order by hardware;
