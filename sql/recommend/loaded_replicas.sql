-- A row is one replica under the load that it gets in one or more offers: memory, times and rates with so many requests in
-- flight.
create or replace temp table loaded_replicas as
with

loads as (
    select distinct
        layouts.replica,
        layouts.requests_per_replica
    from carrying_layouts as layouts
),

batched as (
    select
        asked_replicas.*,
        loads.requests_per_replica as concurrency
    from asked_replicas
    join loads using (replica)
),

served_replicas as (
    select
        *,
        null::double as usd_per_hour
    from served('batched')
)

select * replace (concurrency as concurrency)
from answered('served_replicas');
