-- A row is one offer of an asked shape at a weight and KV precision in the layout that its objective takes: how many
-- deployments carry the users or the requests that arrive, and how many requests are then in flight on each replica. Where
-- bounds are stated only layouts that meet them are taken. The order of layouts is that of the published table: ample memory
-- first, stages inside linked machines last, then
--   cost         the fewest deployments, and of these the most output tokens per second
--   performance  time per output token of a single request
--   balanced     the fewest deployments, then throughput over single-request time
create or replace temp table carrying_layouts as
with

deployed as (
    select
        capacities.*,
        offers.provider,
        offers.shape,
        classes.hardware,
        classes.nodes,
        classes.tp,
        classes.pp,
        classes.dp,
        classes.ep,
        offers.gpu_count * classes.nodes as gpu_count,
        if($spot, offers.spot_usd_per_hour, offers.usd_per_hour) * classes.nodes as usd_per_hour,
        offers.price_region,
        offers.price_as_of,
        offers.price_stale,
        layout_standing(
            capacities.verdict, classes.pp, classes.nodes, machines.interconnect_kind, policy.direct_links
        ) as standing,
        counted_rate(
            capacities.output_tokens_per_s * classes.dp,
            capacities.output_tokens_per_s * classes.dp * capacities.rate_low,
            classes.pp,
            classes.nodes
        ) as counted_tokens_per_s,
        if(
            $requests_per_s is null,
            deployments_needed($users, capacities.capacity, classes.dp),
            deployments_for_rate(
                $requests_per_s,
                capacities.single_latency_ms,
                capacities.capacity_latency_ms,
                capacities.capacity,
                classes.dp,
                if(policy.slo_holds_high_ends, policy.peak_deviations, 0)
            )
        ) as deployments
    from capacities
    join deployment_classes as classes using (replica_class)
    join hardware as machines using (hardware)
    join offers using (hardware)
    semi join asked_shapes using (provider, shape)
    cross join policy_settings as policy
    where (classes.nodes = 1 or offers.is_scaled_out)
        and (capacities.within_slo or ($max_ttft_ms is null and $max_tpot_ms is null))
),

loaded as (
    select
        deployed.*,
        case
            when $users is not null then $users / (deployed.deployments * deployed.dp)::double
            when $requests_per_s is not null
                then requests_in_flight(
                    $requests_per_s / (deployed.deployments * deployed.dp)::double,
                    deployed.single_latency_ms,
                    deployed.capacity_latency_ms,
                    deployed.capacity
                )
            else deployed.capacity::double
        end as requests_per_replica
    from deployed
    where deployed.deployments is not null
)

select
    row_number() over (order by loaded.provider, loaded.shape, loaded.nodes, loaded.quantization, loaded.kv_dtype) as offer,
    loaded.*
from loaded
qualify row_number() over (
    partition by loaded.provider, loaded.shape, loaded.nodes, loaded.quantization, loaded.kv_dtype
    order by
        loaded.standing desc,
        $objective <> 'performance' and not coalesce(loaded.within_slo, false),
        if($objective = 'performance', 0, loaded.deployments),
        case $objective
            when 'cost' then -loaded.counted_tokens_per_s
            when 'performance' then loaded.single_stream_tpot_ms
            else loaded.single_stream_tpot_ms / loaded.counted_tokens_per_s
        end nulls last,
        loaded.tp,
        loaded.pp,
        loaded.ep
) = 1;
