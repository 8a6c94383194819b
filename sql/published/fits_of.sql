-- The fits of replicas on their machines: takes the name of a table of replicas as `sized` returns them with replica_class, and
-- gives, for every load of the grid, every shape and number of copies that share the replica, the columns of the view `fits`. A
-- large run stages the replicas in a table first, so that all processors take part.
create or replace macro fits_of(replicas) as table
with

fit_replicas as (
    from query_table(replicas)
),

fit_offers as (
    select
        fit_replicas.*,
        kv_dtypes.kv_dtype,
        loads.context,
        loads.input_tokens,
        loads.output_tokens,
        null::bigint as concurrency,
        0e0 as cached_share
    from fit_replicas
    join grid_loads as loads using (architecture_key)
    cross join kv_dtypes
    where kv_dtypes.nightly
),

fit_loads as (
    select
        *,
        null::double as usd_per_hour
    from served('fit_offers')
),

fit_answers as (
    from answered('fit_loads')
)

select
    fit_answers.architecture_key,
    offers.provider,
    offers.shape,
    fit_answers.nodes,
    fit_answers.gpu,
    offers.gpu_count * fit_answers.nodes as gpu_count,
    fit_answers.tp,
    fit_answers.pp,
    classes.dp,
    fit_answers.ep,
    fit_answers.quantization,
    fit_answers.kv_dtype,
    fit_answers.context,
    fit_answers.layout_valid,
    fit_answers.fits,
    fit_answers.verdict,
    fit_answers.outcome,
    fit_answers.reason,
    fit_answers.weights_gib_per_gpu,
    fit_answers.activation_gib_per_gpu,
    fit_answers.non_torch_gib_per_gpu,
    fit_answers.cuda_graphs_gib_per_gpu,
    fit_answers.memory_allowed_gib_per_gpu,
    fit_answers.memory_used_gib_per_gpu,
    fit_answers.kv_cache_gib_per_gpu,
    fit_answers.kv_needed_gib_per_gpu,
    fit_answers.free_gib_per_gpu,
    fit_answers.band_gib,
    fit_answers.kv_cache_tokens,
    fit_answers.max_context,
    fit_answers.max_sequences,
    fit_answers.batch_per_replica,
    fit_answers.ttft_ms,
    fit_answers.tpot_ms,
    fit_answers.single_stream_ttft_ms,
    fit_answers.single_stream_tpot_ms,
    fit_answers.output_tokens_per_s * classes.dp as output_tokens_per_s,
    fit_answers.bound_by,
    fit_answers.calibration,
    offers.usd_per_hour * fit_answers.nodes as usd_per_hour,
    usd_per_million_output_tokens(offers.usd_per_hour * fit_answers.nodes, fit_answers.output_tokens_per_s * classes.dp)
        as usd_per_million_output_tokens,
    usd_per_million_total_tokens(
        offers.usd_per_hour * fit_answers.nodes,
        fit_answers.output_tokens_per_s * classes.dp,
        fit_answers.input_tokens,
        fit_answers.output_tokens
    ) as usd_per_million_total_tokens
from fit_answers
join deployment_classes as classes using (replica_class)
join offers using (hardware)
where fit_answers.nodes = 1 or offers.is_scaled_out;
