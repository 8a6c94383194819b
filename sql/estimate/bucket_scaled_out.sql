-- Where one machine is not enough: the fewest machines of one kind on which a precision and context of one bucket's architectures
-- start, and the replicas that do.
create or replace temp table bucket_scaled_out as
with

on_one_machine as (
    select distinct
        replicas.architecture_key,
        replicas.quantization,
        replicas.kv_dtype,
        replicas.context,
        classes.hardware
    from bucket_replicas as replicas
    join deployment_classes as classes using (replica_class)
),

missing as (
    select
        wanted.architecture_key,
        wanted.quantization,
        kv_dtypes.kv_dtype,
        loads.context,
        loads.input_tokens,
        loads.output_tokens,
        machines.hardware
    from (select distinct architecture_key, quantization from staging.bucket_shards) as wanted
    join grid_loads as loads using (architecture_key)
    cross join kv_dtypes
    cross join (select distinct hardware from deployment_classes where nodes > 1) as machines
    anti join on_one_machine
        on on_one_machine.architecture_key = wanted.architecture_key
        and on_one_machine.quantization = wanted.quantization
        and on_one_machine.kv_dtype = kv_dtypes.kv_dtype
        and on_one_machine.context = loads.context
        and on_one_machine.hardware = machines.hardware
    where kv_dtypes.nightly
),

places as (
    from replica_classes
    where nodes > 1
),

usable as (
    from usable_replicas('staging.bucket_shards', 'places')
),

offered as (
    select
        usable.*,
        missing.kv_dtype,
        missing.context,
        missing.input_tokens,
        missing.output_tokens,
        missing.hardware,
        null::bigint as concurrency,
        0e0 as cached_share
    from usable
    join deployment_classes as classes using (replica_class)
    join missing
        on missing.architecture_key = usable.architecture_key
        and missing.quantization = usable.quantization
        and missing.hardware = classes.hardware
),

started as (
    select
        architecture_key,
        quantization,
        kv_dtype,
        context,
        hardware,
        nodes,
        replica_class
    from served('offered')
    where fits
)

select *
from started
qualify nodes = min(nodes) over (partition by architecture_key, quantization, kv_dtype, context, hardware);
