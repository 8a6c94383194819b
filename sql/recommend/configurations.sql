-- A row is one offer in the layout of one objective, under the question's load (by default the one that published figures are stated for),
-- as `evaluate` takes it. `id` is the offer and the layout.
create or replace temp table configurations as
with

layouts_of_offers as (
    select offer, tp, pp, dp, ep
    from chosen
    union
    select offer, cost_tp, cost_pp, cost_dp, cost_ep
    from chosen
    union
    select offer, performance_tp, performance_pp, performance_dp, performance_ep
    from chosen
),

loaded as (
    select
        format('{}:{}:{}:{}:{}', chosen.offer, ways.tp, ways.pp, ways.dp, ways.ep) as id,
        chosen.architecture_key,
        chosen.gpu,
        machines.reported_memory_gib,
        machines.interconnect_kind,
        machines.link_gb_per_s,
        machines.network_gb_per_s,
        chosen.nodes,
        chosen.gpu_count,
        ways.tp,
        ways.pp,
        ways.dp,
        ways.ep,
        chosen.quantization,
        chosen.kv_dtype,
        null::double as gpu_memory_utilization,
        chosen.context,
        null::integer as max_num_seqs,
        null::integer as max_num_batched_tokens,
        false as enforce_eager,
        'vllm' as engine,
        null::varchar as engine_version,
        coalesce(
            $input_tokens,
            chosen.context - greatest(1, (chosen.context * policy.output_share)::bigint)
        ) as input_tokens,
        coalesce($output_tokens, greatest(1, (chosen.context * policy.output_share)::bigint)) as output_tokens,
        null::bigint as concurrency,
        coalesce($cached_share, 0e0) as cached_share,
        chosen.usd_per_hour
    from chosen
    join layouts_of_offers as ways using (offer)
    join shape_hardware as machines using (provider, shape)
    cross join policy_settings as policy
)

from loaded;
