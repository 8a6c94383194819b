-- A row is one replica that a question may take, at its load (by default the one that published figures are stated for): every
-- precision and layout of the architecture on the machines of the asked shapes. Several machines are looked at where the
-- published table needs them.
create or replace temp table asked_replicas as
with

several_machines as (
    select distinct
        offers.hardware,
        published.nodes
    from architecture_recommendations as published
    join offers using (provider, shape)
    semi join asked_shapes using (provider, shape)
    where published.architecture_key = $architecture
        and published.nodes > 1
        and published.context = (
            select min(lengths.context)
            from architecture_recommendations as lengths
            where lengths.architecture_key = $architecture and lengths.context >= $context
        )
),

asked_classes as (
    select distinct classes.replica_class
    from deployment_classes as classes
    join offers using (hardware)
    semi join asked_shapes using (provider, shape)
    where classes.nodes = 1 or (classes.hardware, classes.nodes) in (from several_machines)
),

places as (
    select places.*
    from replica_classes as places
    semi join asked_classes using (replica_class)
),

shard_keys as (
    from grid_shard_keys('places')
    where architecture_key = $architecture and ($quantization is null or quantization = $quantization)
),

shards as (
    select * replace (1 as dp)
    from sharded('shard_keys')
    where layout_refusal is null
),

usable as (
    from usable_replicas('shards', 'places')
)

select
    row_number() over (order by usable.replica_class, usable.quantization, kv_dtypes.kv_dtype) as replica,
    usable.*,
    kv_dtypes.kv_dtype,
    $context::bigint as context,
    coalesce($input_tokens, $context - default_output_tokens($context, policy.output_share))::bigint as input_tokens,
    coalesce($output_tokens, default_output_tokens($context, policy.output_share))::bigint as output_tokens,
    coalesce($cached_share, 0)::double as cached_share
from usable
cross join kv_dtypes
cross join policy_settings as policy
where kv_dtypes.nightly;
