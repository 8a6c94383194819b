-- A row is one architecture on one shape under one layout at one weight precision of the grid, KV precision and context, fitting
-- or not: what each GPU holds, why it does not start, how fast and at what price. Never written out but as an export: ask for an
-- architecture_key, a shape and a context. Replicas are estimated once for all shapes and copies that share them.
create or replace view fits as
with

fit_keys as (
    from grid_shard_keys('replica_classes')
),

fit_shards as (
    select * replace (1 as dp)
    from sharded('fit_keys')
),

fit_places as (
    from placed_shards('fit_shards', 'replica_classes')
),

fit_replicas_of_grid as (
    from sized('fit_places')
)

from fits_of('fit_replicas_of_grid');
