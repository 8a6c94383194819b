-- A row is one architecture on one shape under one layout at one weight precision of the grid, KV precision and context, fitting or not: what
-- each GPU holds, why it does not start, how fast and at what price. Never written out but as an export: ask for an architecture_key,
-- a shape and a context. Replicas are estimated once for all shapes and copies that share them.
create or replace view fits as
with

fit_keys as (
    select
        grid.architecture_key,
        grid.quantization,
        ways.tp,
        ways.pp,
        greatest(1, ways.ep // ways.tp)::integer as dp,
        ways.ep
    from grid_quantizations as grid
    cross join (select distinct tp, pp, ep from replica_classes) as ways
),

fit_shards as (
    select * replace (1 as dp)
    from sharded('fit_keys')
),

fit_places as (
    select
        fit_shards.*,
        places.replica_class,
        places.gpu,
        places.reported_memory_gib,
        places.card_share as gpu_count,
        places.interconnect_kind,
        places.link_gb_per_s,
        places.network_gb_per_s,
        places.nodes,
        null::double as gpu_memory_utilization,
        null::integer as max_num_seqs,
        null::integer as max_num_batched_tokens,
        false as enforce_eager,
        'vllm' as engine,
        null::varchar as engine_version
    from fit_shards
    join replica_classes as places using (tp, pp, ep)
),

fit_replicas_of_grid as (
    from sized('fit_places')
)

from fits_of('fit_replicas_of_grid');
