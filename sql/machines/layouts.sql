-- Fill `layouts`: every layout of every recommendable shape.
insert into layouts
select
    shapes.provider,
    shapes.shape,
    ways.nodes,
    ways.tp,
    ways.pp,
    ways.dp,
    ways.ep,
    hardware.gpu_count * ways.nodes as gpu_count
from hardware_shapes as shapes
join hardware using (hardware)
join hardware_layouts as ways using (hardware)
where ways.nodes = 1 or shapes.is_scaled_out
order by all;
