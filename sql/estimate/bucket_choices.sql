-- The best layouts of one bucket: a row is one precision, KV precision and context of an architecture on the fewest machines of
-- one kind that it needs, with the layout that each objective takes.
--   cost         most output tokens per second at the best batch within the default SLO: the least cost per token of that machine
--   performance  least time per output token of a single request
--   balanced     greatest product of the two, throughput over single-request time
-- The best standing comes before all of them (layout_standing): what fits amply, and no stages inside a machine with direct
-- links. Elsewhere stages are taken where the memory that they free outweighs the doubt about their speed (counted_rate). A
-- throughput counts only after those that are reached within the default SLO: a layout where even one request misses it serves
-- nobody well, however many tokens it yields. Of equals the least split layout is taken, which without speed (an accelerator
-- without rates) is the most copies of the smallest replica.
create or replace temp table bucket_choices as
with

deployments as (
    select
        replicas.rowid as replica,
        replicas.architecture_key,
        replicas.quantization,
        replicas.kv_dtype,
        replicas.context,
        classes.hardware,
        classes.nodes,
        classes.tp,
        classes.pp,
        classes.ep,
        classes.dp,
        layout_standing(
            replicas.verdict, classes.pp, classes.nodes, machines.interconnect_kind, policy.direct_links
        ) as standing,
        coalesce(
            within_slo(
                replicas.ttft_ms,
                replicas.tpot_ms,
                replicas.context * (1 - policy.output_share),
                policy.slo_ttft_ms,
                policy.slo_ttft_ms_per_input_token,
                policy.slo_tpot_ms
            ),
            false
        ) as meets_slo,
        counted_rate(
            coalesce(replicas.output_tokens_per_s, 1e-6) * classes.dp,
            replicas.output_tokens_per_s * classes.dp * intervals.rate_low,
            classes.pp,
            classes.nodes
        ) as throughput,
        coalesce(replicas.single_stream_tpot_ms, 1e6) as single_ms
    from bucket_replicas as replicas
    join deployment_classes as classes using (replica_class)
    join hardware as machines using (hardware)
    cross join policy_settings as policy
    left join speed_intervals as intervals using (calibration)
),

fewest as (
    select *
    from deployments
    where nodes = 1
    union all
    select deployments.*
    from deployments
    semi join bucket_scaled_out as wanted
        on wanted.architecture_key = deployments.architecture_key
        and wanted.quantization = deployments.quantization
        and wanted.kv_dtype = deployments.kv_dtype
        and wanted.context = deployments.context
        and wanted.hardware = deployments.hardware
        and wanted.nodes = deployments.nodes
    where deployments.nodes > 1
),

chosen as (
    select
        architecture_key,
        quantization,
        kv_dtype,
        context,
        hardware,
        nodes,
        arg_max(replica, (standing, meets_slo, throughput, -tp, -pp, -ep)) as cost_replica,
        arg_min(replica, (-standing, single_ms, tp, pp, ep)) as performance_replica,
        arg_max(replica, (standing, meets_slo, throughput / single_ms, -tp, -pp, -ep)) as balanced_replica
    from fewest
    group by all
)

from chosen;
