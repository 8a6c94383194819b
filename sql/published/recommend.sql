-- The recommendations for one model at the smallest published context that is not below the argument, best first: a row is the
-- best offer of a provider's shape at a weight precision, by the rule of `ranked_offers`, with the columns of
-- `recommendations`. Layout, memory, times and rates are those of the layout that the objective takes; activation, memory
-- outside torch, CUDA graphs and cached tokens are known for the balanced layout alone, and null where another is taken.
--   objective  cost (dollars an hour), performance (time per token of one request) or balanced (dollars per token)
--   users      requests in flight at once: `deployments` says how many of the row's deployments carry them within the default
--              service level (at the published batch), total_usd_per_hour what these cost, utilization how much is used; null: 1
--   provider   only this provider's shapes; null for all
--   spot       count spot prices
--   quantization  the weight precision; null for the checkpoint as it is published, or where that fits nowhere what the engine
--              makes of it or somebody is known to publish (precision_standing); any for all
-- price_age_days is the age of the price on the day of publication.
-- Example: from recommend('Qwen/Qwen2.5-7B-Instruct', 8192, objective := 'balanced', users := 200, provider := 'aws')
create or replace macro recommend(
    model, context, objective := 'cost', users := null, provider := null, spot := false, quantization := null
) as table
with

asked_models as (
    select
        models.model_id,
        models.architecture_key,
        models.needs_remote_code
    from models
    where models.model_id = model
),

asked_contexts as (
    select min(lengths.context) as asked_context
    from architecture_recommendations as lengths
    where lengths.architecture_key = (select asked_models.architecture_key from asked_models)
        and lengths.context >= context
),

stored as (
    select
        stored.* exclude (within_slo, reason, vllm_arguments),
        'vllm' as policy,
        stored.reason,
        stored.vllm_arguments,
        stored.within_slo
    from architecture_recommendations as stored
    where stored.architecture_key = (select asked_models.architecture_key from asked_models)
        and stored.context = (select asked_contexts.asked_context from asked_contexts)
        and (provider is null or stored.provider = provider)
),

objective_offers as (
    select
        stored.* replace (
            of_objective(objective, stored.cost_tp, stored.performance_tp, stored.tp) as tp,
            of_objective(objective, stored.cost_pp, stored.performance_pp, stored.pp) as pp,
            of_objective(objective, stored.cost_dp, stored.performance_dp, stored.dp) as dp,
            of_objective(objective, stored.cost_ep, stored.performance_ep, stored.ep) as ep,
            of_objective(objective, stored.cost_verdict, stored.performance_verdict, stored.verdict) as verdict,
            of_objective(
                objective,
                stored.cost_memory_used_gib_per_gpu,
                stored.performance_memory_used_gib_per_gpu,
                stored.memory_used_gib_per_gpu
            ) as memory_used_gib_per_gpu,
            of_objective(
                objective,
                stored.cost_weights_gib_per_gpu,
                stored.performance_weights_gib_per_gpu,
                stored.weights_gib_per_gpu
            ) as weights_gib_per_gpu,
            of_objective(
                objective,
                stored.cost_kv_cache_gib_per_gpu,
                stored.performance_kv_cache_gib_per_gpu,
                stored.kv_cache_gib_per_gpu
            ) as kv_cache_gib_per_gpu,
            of_objective(
                objective, stored.cost_max_context, stored.performance_max_context, stored.max_context
            ) as max_context,
            of_objective(
                objective, stored.cost_max_sequences, stored.performance_max_sequences, stored.max_sequences
            ) as max_sequences,
            of_objective(
                objective,
                stored.cost_batch_per_replica,
                stored.performance_batch_per_replica,
                stored.batch_per_replica
            ) as batch_per_replica,
            of_objective(objective, stored.cost_ttft_ms, stored.performance_ttft_ms, stored.ttft_ms) as ttft_ms,
            of_objective(objective, stored.cost_tpot_ms, stored.performance_tpot_ms, stored.tpot_ms) as tpot_ms,
            of_objective(
                objective,
                stored.cost_single_stream_ttft_ms,
                stored.performance_single_stream_ttft_ms,
                stored.single_stream_ttft_ms
            ) as single_stream_ttft_ms,
            of_objective(
                objective,
                stored.cost_single_stream_tpot_ms,
                stored.performance_single_stream_tpot_ms,
                stored.single_stream_tpot_ms
            ) as single_stream_tpot_ms,
            of_objective(
                objective,
                stored.cost_output_tokens_per_s,
                stored.performance_output_tokens_per_s,
                stored.output_tokens_per_s
            ) as output_tokens_per_s,
            of_objective(objective, stored.cost_bound_by, stored.performance_bound_by, stored.bound_by)
                as bound_by,
            of_objective(
                objective, stored.cost_calibration, stored.performance_calibration, stored.calibration
            ) as calibration,
            of_objective(
                objective, stored.cost_within_slo, stored.performance_within_slo, stored.within_slo
            ) as within_slo,
            if(spot, stored.spot_usd_per_hour, stored.usd_per_hour) as usd_per_hour,
            if(
                spot,
                four_decimals(
                    usd_per_million_output_tokens(
                        stored.spot_usd_per_hour,
                        of_objective(
                            objective,
                            stored.cost_output_tokens_per_s,
                            stored.performance_output_tokens_per_s,
                            stored.output_tokens_per_s
                        )
                    )
                ),
                of_objective(
                    objective,
                    stored.cost_usd_per_million_output_tokens,
                    stored.performance_usd_per_million_output_tokens,
                    stored.usd_per_million_output_tokens
                )
            ) as usd_per_million_output_tokens,
            of_objective(
                objective, stored.cost_vllm_arguments, stored.performance_vllm_arguments, stored.vllm_arguments
            ) as vllm_arguments
        ),
        of_objective(
            objective,
            (stored.cost_tp, stored.cost_pp, stored.cost_dp, stored.cost_ep),
            (
                stored.performance_tp,
                stored.performance_pp,
                stored.performance_dp,
                stored.performance_ep
            ),
            (stored.tp, stored.pp, stored.dp, stored.ep)
        ) = (stored.tp, stored.pp, stored.dp, stored.ep) as is_balanced_layout
    from stored
),

checkpoints as (
    select
        precisions.quantization,
        checkpoint_of(model, precisions.quantization) as checkpoint
    from quantizations as precisions
    where precisions.quantization <> 'native'
),

manned_offers as (
    select
        objective_offers.*,
        checkpoints.checkpoint,
        deployments_needed(users, objective_offers.batch_per_replica, objective_offers.dp) as deployments,
        utilization(
            users,
            deployments_needed(users, objective_offers.batch_per_replica, objective_offers.dp),
            objective_offers.batch_per_replica,
            objective_offers.dp
        ) as utilization
    from objective_offers
    left join checkpoints on checkpoints.quantization = objective_offers.quantization
),

used_offers as (
    select
        manned_offers.*,
        precision_standing(
            manned_offers.quantization, quantizations.engine_arguments is not null, manned_offers.checkpoint is not null
        ) as precision_standing,
        manned_offers.usd_per_million_output_tokens / manned_offers.utilization as usd_per_million_served_tokens
    from manned_offers
    join quantizations on quantizations.quantization = manned_offers.quantization
),

asked_offers as (
    select used_offers.*
    from used_offers
    where quantization is null or quantization = 'any' or used_offers.quantization = quantization
    qualify quantization is not null or used_offers.precision_standing = min(used_offers.precision_standing) over ()
),

placed_offers as (
    from ranked_offers('asked_offers', objective)
),

loaded_offers as (
    select
        placed_offers.*,
        default_output_tokens(placed_offers.context, policy.output_share) as output_tokens,
        requests_per_s(
            coalesce(users, placed_offers.batch_per_replica * placed_offers.dp),
            default_output_tokens(placed_offers.context, policy.output_share),
            placed_offers.ttft_ms,
            placed_offers.tpot_ms
        ) as requests_per_s
    from placed_offers
    cross join policy_settings as policy
)

select
    asked_models.model_id,
    offers.* exclude (
        cost_verdict,
        cost_memory_used_gib_per_gpu,
        cost_weights_gib_per_gpu,
        cost_kv_cache_gib_per_gpu,
        cost_max_context,
        cost_max_sequences,
        cost_batch_per_replica,
        cost_single_stream_ttft_ms,
        cost_single_stream_tpot_ms,
        cost_bound_by,
        cost_calibration,
        cost_within_slo,
        cost_vllm_arguments,
        performance_verdict,
        performance_memory_used_gib_per_gpu,
        performance_weights_gib_per_gpu,
        performance_kv_cache_gib_per_gpu,
        performance_max_context,
        performance_max_sequences,
        performance_batch_per_replica,
        performance_single_stream_ttft_ms,
        performance_single_stream_tpot_ms,
        performance_bound_by,
        performance_calibration,
        performance_within_slo,
        performance_vllm_arguments,
        is_balanced_layout,
        total_gpu_count,
        usd_per_million_served_tokens,
        output_tokens,
        requests_per_s
    ) replace (
        if(offers.is_balanced_layout, offers.activation_gib_per_gpu, null) as activation_gib_per_gpu,
        if(offers.is_balanced_layout, offers.non_torch_gib_per_gpu, null) as non_torch_gib_per_gpu,
        if(offers.is_balanced_layout, offers.cuda_graphs_gib_per_gpu, null) as cuda_graphs_gib_per_gpu,
        if(offers.is_balanced_layout, offers.kv_cache_tokens, null) as kv_cache_tokens,
        if(offers.within_slo, offers.batch_per_replica * offers.dp, 0) as slo_users,
        three_digits(offers.ttft_ms * intervals.ttft_low) as ttft_low_ms,
        three_digits(offers.ttft_ms * intervals.ttft_high) as ttft_high_ms,
        three_digits(offers.tpot_ms * intervals.tpot_low) as tpot_low_ms,
        three_digits(offers.tpot_ms * intervals.tpot_high) as tpot_high_ms,
        three_digits(offers.output_tokens_per_s * intervals.rate_low) as output_low_tokens_per_s,
        three_digits(offers.output_tokens_per_s * intervals.rate_high) as output_high_tokens_per_s,
        four_decimals(offers.usd_per_million_output_tokens * policy.output_share) as usd_per_million_total_tokens,
        four_decimals(
            usd_per_user_hour(offers.usd_per_hour, if(offers.within_slo, offers.batch_per_replica * offers.dp, 0))
        ) as usd_per_user_hour,
        recommendation_reason(
            offers.verdict,
            offers.memory_allowed_gib_per_gpu - offers.memory_used_gib_per_gpu,
            offers.band_gib,
            offers.usd_per_hour,
            offers.tpot_ms,
            offers.within_slo
        ) as reason,
        trusted_arguments(offers.vllm_arguments, asked_models.needs_remote_code) as vllm_arguments
    ),
    offers.context - offers.output_tokens as input_tokens,
    offers.output_tokens,
    offers.max_sequences * offers.dp as concurrent_sequences,
    offers.quantization <> 'native' and quantizations.engine_arguments is null as needs_checkpoint,
    price_age_days(offers.price_as_of, publication.published_on) as price_age_days,
    offers.nodes * offers.deployments as machines,
    offers.batch_per_replica * offers.dp * offers.utilization as requests_per_deployment,
    four_decimals(offers.requests_per_s) as requests_per_s,
    four_decimals(offers.total_usd_per_hour * policy.hours_per_month) as total_usd_per_month,
    four_decimals(usd_per_1000_requests(offers.total_usd_per_hour, offers.requests_per_s)) as usd_per_1000_requests
from loaded_offers as offers
join quantizations on quantizations.quantization = offers.quantization
left join speed_intervals as intervals on intervals.calibration = offers.calibration
cross join asked_models
cross join policy_settings as policy
cross join publication
order by offers.place;
