-- The shards of a chunk of architectures, those of the table: every precision of the nightly grid under every layout of a replica that an engine accepts.
create or replace table staging.chunk_shards as
with

shard_keys as (
    select
        grid.architecture_key,
        grid.quantization,
        ways.tp,
        ways.pp,
        greatest(1, ways.ep // ways.tp)::integer as dp,
        ways.ep
    from grid_quantizations as grid
    cross join (select distinct tp, pp, ep from replica_classes) as ways
)

select * replace (1 as dp)
from sharded('shard_keys')
where layout_refusal is null;
