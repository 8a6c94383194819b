-- A row is one replica that could hold more requests than the bounds allow, with the times at twice as many, or at all that it
-- holds.
create or replace temp table doubled_batches as
with

doubled as (
    select
        asked_replicas.*,
        least(2 * bounded.batch, bounded.batch_limit)::double as concurrency
    from asked_replicas
    join bounded_batches as bounded using (replica)
    where bounded.batch < bounded.batch_limit and bounded.ttft_ms is not null
)

select
    replica,
    batch,
    ttft_ms,
    tpot_ms
from served('doubled');
