-- A row is one replica of an offer with a number of requests running: the decode step, and what else its steps are made of.
with

places as (
    select classes.*
    from replica_classes as classes
    semi join (
        select deployments.replica_class
        from deployment_classes as deployments
        join offers using (hardware)
        where offers.provider = $provider
            and offers.shape = $shape
            and deployments.nodes = $nodes
            and deployments.tp = $tp
            and deployments.pp = $pp
            and deployments.ep = $ep
    ) using (replica_class)
),

shard_keys as (
    from grid_shard_keys('places')
    where architecture_key = (select models.architecture_key from models where models.model_id = $model)
        and quantization = $quantization
),

shards as (
    select * replace (1 as dp)
    from sharded('shard_keys')
),

usable as (
    from usable_replicas('shards', 'places')
),

loads as (
    select
        usable.*,
        $kv_dtype as kv_dtype,
        $context::bigint as context,
        $input_tokens::bigint as input_tokens,
        $output_tokens::bigint as output_tokens,
        0e0 as cached_share,
        counts.requests::double as concurrency
    from usable
    cross join (select unnest(range(1, $most + 1)) as requests) as counts
    where usable.tp = $tp and usable.pp = $pp and usable.ep = $ep
),

steps as (
    from served('loads')
)

select
    concurrency,
    decode_ms,
    prompt_ms,
    phi,
    idle_t0_ms,
    max_num_batched_tokens,
    batch_limit
from steps
order by concurrency;
