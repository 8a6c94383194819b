-- The shards of a bucket of architectures, those of the table: every precision of the nightly grid under every layout of a
-- replica that an engine accepts.
create or replace table staging.bucket_shards as
with

shard_keys as (
    from grid_shard_keys('replica_classes')
)

select * replace (1 as dp)
from sharded('shard_keys')
where layout_refusal is null;
