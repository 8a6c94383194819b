-- A row is one architecture on one shape under one layout at one weight precision, KV precision and context, fitting or not: what each GPU
-- holds, why it does not start, how fast and at what price. Never written out: ask for an architecture_key, a shape and a context.
create or replace view fits as
with

fit_keys as (
    select
        architectures.architecture_key,
        quantizations.quantization,
        layouts.provider,
        layouts.shape,
        layouts.nodes,
        layouts.tp,
        layouts.pp,
        layouts.dp,
        layouts.ep,
        layouts.gpu_count,
        machines.gpu,
        machines.reported_memory_gib,
        machines.interconnect_kind,
        machines.link_gb_per_s,
        machines.network_gb_per_s,
        null::double as gpu_memory_utilization,
        null::integer as max_num_seqs,
        null::integer as max_num_batched_tokens,
        false as enforce_eager,
        'vllm' as engine,
        null::varchar as engine_version,
        kv_dtypes.kv_dtype,
        loads.context,
        loads.input_tokens,
        loads.output_tokens,
        null::bigint as concurrency,
        0e0 as cached_share,
        prices.usd_per_hour * layouts.nodes as usd_per_hour
    from architectures
    join grid_loads as loads using (architecture_key)
    cross join quantizations
    cross join kv_dtypes
    cross join layouts
    join hardware_shapes as shapes using (provider, shape)
    join hardware as machines using (hardware)
    join shape_prices as prices using (provider, shape)
),

fit_shards as (
    from sharded('fit_keys')
),

fit_replicas as (
    from sized('fit_shards')
),

fit_loads as (
    from served('fit_replicas')
)

select
    architecture_key,
    provider,
    shape,
    nodes,
    gpu,
    gpu_count,
    tp,
    pp,
    dp,
    ep,
    quantization,
    kv_dtype,
    context,
    layout_valid,
    fits,
    verdict,
    outcome,
    reason,
    weights_gib_per_gpu,
    activation_gib_per_gpu,
    non_torch_gib_per_gpu,
    cuda_graphs_gib_per_gpu,
    memory_allowed_gib_per_gpu,
    memory_used_gib_per_gpu,
    kv_cache_gib_per_gpu,
    kv_needed_gib_per_gpu,
    free_gib_per_gpu,
    band_gib,
    kv_cache_tokens,
    max_context,
    max_sequences,
    batch_per_replica,
    ttft_ms,
    tpot_ms,
    single_stream_ttft_ms,
    single_stream_tpot_ms,
    output_tokens_per_s,
    bound_by,
    calibration,
    usd_per_hour,
    usd_per_million_output_tokens,
    usd_per_million_total_tokens
from answered('fit_loads');
