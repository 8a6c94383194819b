-- The replicas of one bucket of architectures that start on one machine: every precision, KV precision and context.
create or replace temp table bucket_replicas as
with

places as (
    from replica_classes
    where nodes = 1
),

usable as (
    from usable_replicas('staging.bucket_shards', 'places')
),

offered as (
    select
        usable.*,
        kv_dtypes.kv_dtype,
        loads.context,
        loads.input_tokens,
        loads.output_tokens
    from usable
    join grid_loads as loads using (architecture_key)
    cross join kv_dtypes
    where kv_dtypes.nightly
)

from started_replicas('offered');
