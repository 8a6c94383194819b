-- Shards on machines, with the engine at its own settings, as `sized` takes them: every shard (a table as `sharded` returns it)
-- in every place (a table as replica_classes) of its layout.
create or replace macro placed_shards(shards, places) as table
with

offered_places as (
    from query_table(places)
)

select
    split.*,
    offered_places.replica_class,
    offered_places.gpu,
    offered_places.reported_memory_gib,
    offered_places.card_share as gpu_count,
    offered_places.interconnect_kind,
    offered_places.link_gb_per_s,
    offered_places.network_gb_per_s,
    offered_places.nodes,
    null::double as gpu_memory_utilization,
    null::integer as max_num_seqs,
    null::integer as max_num_batched_tokens,
    false as enforce_eager,
    'vllm' as engine,
    null::varchar as engine_version
from query_table(shards) as split
join offered_places using (tp, pp, ep);
