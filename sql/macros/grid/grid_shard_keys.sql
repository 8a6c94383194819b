-- The shards that the grid asks for: takes the name of a table of places (as replica_classes). A row is one architecture at one
-- precision of the grid in one layout of a replica.
create or replace macro grid_shard_keys(places) as table
with

ways as (
    select distinct
        tp,
        pp,
        ep
    from query_table(places)
)

select
    grid.architecture_key,
    grid.quantization,
    ways.tp,
    ways.pp,
    greatest(1, ways.ep // ways.tp)::integer as dp,
    ways.ep
from grid_quantizations as grid
cross join ways;
