-- A row is one replica's place, free of the number of its copies: accelerator, links as far as the layout uses them, and layout.
-- Layouts of many kinds of machines share it, so that each is estimated once.
create or replace table replica_classes as
with

places as (
    select distinct
        hardware.gpu,
        hardware.reported_memory_gib,
        least(1e0, hardware.gpu_count) as card_share,
        if(layouts.tp * layouts.pp = 1, 'none', hardware.interconnect_kind) as interconnect_kind,
        if(layouts.tp * layouts.pp = 1, null, hardware.link_gb_per_s) as link_gb_per_s,
        if(layouts.nodes = 1, null, hardware.network_gb_per_s) as network_gb_per_s,
        layouts.nodes,
        layouts.tp,
        layouts.pp,
        layouts.ep
    from hardware_layouts as layouts
    join hardware using (hardware)
)

select
    (row_number() over (
        order by tp, pp, ep, nodes, gpu, reported_memory_gib, card_share, interconnect_kind, link_gb_per_s, network_gb_per_s
    ))::integer as replica_class,
    *
from places;
