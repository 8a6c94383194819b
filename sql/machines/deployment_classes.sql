-- A row is one layout of one kind of machine and the replica that it copies.
create or replace table deployment_classes as
select
    layouts.hardware,
    layouts.nodes,
    layouts.tp,
    layouts.pp,
    layouts.dp,
    layouts.ep,
    classes.replica_class
from hardware_layouts as layouts
join hardware using (hardware)
join replica_classes as classes
    on classes.gpu = hardware.gpu
    and classes.reported_memory_gib = hardware.reported_memory_gib
    and classes.card_share = least(1e0, hardware.gpu_count)
    and classes.interconnect_kind is not distinct from if(layouts.tp * layouts.pp = 1, 'none', hardware.interconnect_kind)
    and classes.link_gb_per_s is not distinct from if(layouts.tp * layouts.pp = 1, null, hardware.link_gb_per_s)
    and classes.network_gb_per_s is not distinct from if(layouts.nodes = 1, null, hardware.network_gb_per_s)
    and classes.nodes = layouts.nodes
    and classes.tp = layouts.tp
    and classes.pp = layouts.pp
    and classes.ep = layouts.ep;
