-- An estimate of explicit configurations. Takes the name of a table of configurations:
--   id, architecture_key, gpu, reported_memory_gib, interconnect_kind, link_gb_per_s, network_gb_per_s, nodes, gpu_count, tp, pp,
--   dp, ep, quantization, kv_dtype, gpu_memory_utilization, context, max_num_seqs, max_num_batched_tokens, enforce_eager, engine,
--   engine_version, input_tokens, output_tokens, concurrency, cached_share, usd_per_hour
-- (null engine settings take the engine's own; null concurrency the best batch within the default SLO). A row of the answer is
-- the configuration as resolved, what each GPU holds, whether the engine starts and why not, speed and cost. Speed is null where
-- the engine does not start or the accelerator's rates are not known. Between the low and high columns the stated share of real
-- runs lies (the view speed_intervals).
create or replace macro evaluate(configurations) as table
with

asked_configurations as (
    from query_table(configurations)
),

batched_configurations as (
    select
        asked_configurations.* replace (
            coalesce(
                asked_configurations.max_num_batched_tokens,
                one_shot_batched_tokens(
                    asked_configurations.context,
                    settings.one_shot_prefill_tokens,
                    settings.other_card_max_num_batched_tokens
                )
            )::integer as max_num_batched_tokens,
            experts_apart(ep, tp, coalesce(settings.experts_split_within_tp = 1, false)) as ep
        ),
        ep as asked_ep
    from asked_configurations
    left join engine_settings as settings
        on settings.engine = asked_configurations.engine
        and case
            when asked_configurations.engine_version is null then settings.is_newest
            else settings.engine_version = asked_configurations.engine_version
        end
),

sharded_configurations as (
    from sharded('batched_configurations')
),

sized_configurations as (
    from sized('sharded_configurations')
),

served_configurations as (
    from served('sized_configurations')
),

answered_configurations as (
    from answered('served_configurations')
)

select
    id,
    architecture_key,
    gpu,
    reported_memory_gib,
    interconnect_kind,
    link_gb_per_s,
    network_gb_per_s,
    nodes,
    gpu_count,
    tp,
    pp,
    dp,
    asked_ep as ep,
    quantization,
    kv_dtype,
    gpu_memory_utilization,
    context,
    max_num_seqs,
    max_num_batched_tokens,
    enforce_eager,
    engine,
    engine_version,
    input_tokens,
    output_tokens,
    concurrency,
    cached_share,
    usd_per_hour,
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
    usd_per_million_output_tokens,
    usd_per_million_total_tokens,
    ttft_ms * ttft_low as ttft_low_ms,
    ttft_ms * ttft_high as ttft_high_ms,
    tpot_ms * tpot_low as tpot_low_ms,
    tpot_ms * tpot_high as tpot_high_ms,
    output_tokens_per_s * rate_low as output_low_tokens_per_s,
    output_tokens_per_s * rate_high as output_high_tokens_per_s
from answered_configurations
left join speed_intervals using (calibration);
