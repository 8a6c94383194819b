-- Add to bucket_replicas those that need several machines.
insert into bucket_replicas
with

places as (
    from replica_classes
    where replica_class in (select replica_class from bucket_scaled_out)
),

usable as (
    from usable_replicas('staging.bucket_shards', 'places')
),

wanted as (
    select distinct
        architecture_key,
        quantization,
        kv_dtype,
        context,
        replica_class
    from bucket_scaled_out
),

offered as (
    select
        usable.*,
        wanted.kv_dtype,
        wanted.context,
        loads.input_tokens,
        loads.output_tokens
    from usable
    join wanted using (architecture_key, quantization, replica_class)
    join grid_loads as loads
        on loads.architecture_key = wanted.architecture_key
        and loads.context = wanted.context
)

from started_replicas('offered');
