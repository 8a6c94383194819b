-- The sized replicas of the grid that an engine would load: every shard (a table as `sharded` returns it) in every place (a table
-- as replica_classes) of its layout, at the engine's own settings, where nothing refuses it and room for a KV cache is left.
create or replace macro usable_replicas(shards, places) as table
with

placed as (
    from placed_shards(shards, places)
)

select *
from sized('placed')
where refusal is null and kv_cache_gib_per_gpu > 0;
