-- A row is the best shape of one kind for one architecture at one weight precision and context, with the figures of that kind's
-- layout. Kinds:
--   smallest            least accelerator memory, as it is sold, that holds it; within the default SLO for one request if any is
--   cheapest_per_token  least dollars per million output tokens within the default SLO (cost layout)
--   fastest             least time per output token of a single request (performance layout)
--   most_users          most requests in flight within the default SLO in one deployment, the cheaper on ties
--   balanced            least dollars per million output tokens of the layout with the greatest product of throughput and speed
-- A 16-bit KV cache comes before fp8, ample memory before tight, a known price before none; of equals the cheaper. A kind that no
-- shape is, is missing.
create or replace table architecture_best_shapes as
with

candidates as (
    select
        best.rowid as candidate,
        best.architecture_key,
        best.quantization,
        best.context,
        (
            (best.kv_dtype <> 'auto')::integer,
            (best.verdict <> 'fits')::integer,
            (not coalesce(best.within_slo, false))::integer,
            (best.usd_per_hour is null)::integer,
            best.gpu_count * gpus.memory_gib,
            coalesce(best.usd_per_hour, 'infinity'),
            best.provider || '/' || best.shape
        ) as by_size,
        (
            (best.kv_dtype <> 'auto')::integer,
            (best.cost_verdict <> 'fits')::integer,
            best.cost_usd_per_million_output_tokens,
            best.provider || '/' || best.shape
        ) as by_token,
        (
            (best.kv_dtype <> 'auto')::integer,
            (best.performance_verdict <> 'fits')::integer,
            (best.usd_per_hour is null)::integer,
            best.performance_single_stream_tpot_ms,
            coalesce(best.usd_per_hour, 'infinity'),
            best.provider || '/' || best.shape
        ) as by_speed,
        (
            (best.kv_dtype <> 'auto')::integer,
            (best.verdict <> 'fits')::integer,
            (best.usd_per_hour is null)::integer,
            -best.slo_users,
            coalesce(best.usd_per_hour, 'infinity'),
            best.provider || '/' || best.shape
        ) as by_users,
        (
            (best.kv_dtype <> 'auto')::integer,
            (best.verdict <> 'fits')::integer,
            best.usd_per_million_output_tokens,
            best.provider || '/' || best.shape
        ) as by_balance,
        best.cost_within_slo and best.usd_per_hour is not null as is_paid_for_tokens,
        best.performance_single_stream_tpot_ms is not null as is_timed,
        best.slo_users > 0 as serves_users,
        best.within_slo and best.usd_per_hour is not null as is_paid_for
    from architecture_recommendations as best
    join gpus using (gpu)
),

chosen as (
    select
        architecture_key,
        quantization,
        context,
        arg_min(candidate, by_size) as smallest,
        arg_min(candidate, by_token) filter (where is_paid_for_tokens) as cheapest_per_token,
        arg_min(candidate, by_speed) filter (where is_timed) as fastest,
        arg_min(candidate, by_users) filter (where serves_users) as most_users,
        arg_min(candidate, by_balance) filter (where is_paid_for) as balanced
    from candidates
    group by architecture_key, quantization, context
),

kinds as (
    unpivot chosen
    on smallest, cheapest_per_token, fastest, most_users, balanced
    into name shape_kind value candidate
),

answers as (
    select
        kinds.shape_kind,
        case kinds.shape_kind
            when 'cheapest_per_token' then 'cost'
            when 'fastest' then 'performance'
            else 'balanced'
        end as objective,
        best.*
    from kinds
    join architecture_recommendations as best
        on best.rowid = kinds.candidate
        and best.architecture_key = kinds.architecture_key
        and best.context = kinds.context
)

select
    answers.architecture_key,
    answers.quantization,
    answers.context,
    answers.shape_kind,
    answers.provider,
    answers.shape,
    answers.nodes,
    answers.gpu,
    answers.gpu_count,
    answers.kv_dtype,
    of_objective(answers.objective, answers.cost_tp, answers.performance_tp, answers.tp) as tp,
    of_objective(answers.objective, answers.cost_pp, answers.performance_pp, answers.pp) as pp,
    of_objective(answers.objective, answers.cost_dp, answers.performance_dp, answers.dp) as dp,
    of_objective(answers.objective, answers.cost_ep, answers.performance_ep, answers.ep) as ep,
    of_objective(answers.objective, answers.cost_verdict, answers.performance_verdict, answers.verdict) as verdict,
    of_objective(
        answers.objective,
        answers.cost_memory_used_gib_per_gpu,
        answers.performance_memory_used_gib_per_gpu,
        answers.memory_used_gib_per_gpu
    ) as memory_used_gib_per_gpu,
    answers.memory_allowed_gib_per_gpu,
    of_objective(
        answers.objective, answers.cost_max_context, answers.performance_max_context, answers.max_context
    ) as max_context,
    users.slo_users,
    of_objective(answers.objective, answers.cost_ttft_ms, answers.performance_ttft_ms, answers.ttft_ms) as ttft_ms,
    of_objective(answers.objective, answers.cost_tpot_ms, answers.performance_tpot_ms, answers.tpot_ms) as tpot_ms,
    of_objective(
        answers.objective,
        answers.cost_single_stream_ttft_ms,
        answers.performance_single_stream_ttft_ms,
        answers.single_stream_ttft_ms
    ) as single_stream_ttft_ms,
    of_objective(
        answers.objective,
        answers.cost_single_stream_tpot_ms,
        answers.performance_single_stream_tpot_ms,
        answers.single_stream_tpot_ms
    ) as single_stream_tpot_ms,
    of_objective(
        answers.objective,
        answers.cost_output_tokens_per_s,
        answers.performance_output_tokens_per_s,
        answers.output_tokens_per_s
    ) as output_tokens_per_s,
    of_objective(answers.objective, answers.cost_within_slo, answers.performance_within_slo, answers.within_slo) as within_slo,
    answers.usd_per_hour,
    answers.price_as_of,
    answers.price_stale,
    of_objective(
        answers.objective,
        answers.cost_usd_per_million_output_tokens,
        answers.performance_usd_per_million_output_tokens,
        answers.usd_per_million_output_tokens
    ) as usd_per_million_output_tokens,
    four_decimals(usd_per_user_hour(answers.usd_per_hour, users.slo_users)) as usd_per_user_hour,
    answers.on_frontier,
    answers.dominated_by,
    answers.reason,
    of_objective(
        answers.objective, answers.cost_vllm_arguments, answers.performance_vllm_arguments, answers.vllm_arguments
    ) as vllm_arguments
from answers
cross join lateral (
    select
        if(
            of_objective(answers.objective, answers.cost_within_slo, answers.performance_within_slo, answers.within_slo),
            of_objective(
                answers.objective,
                answers.cost_batch_per_replica,
                answers.performance_batch_per_replica,
                answers.batch_per_replica
            ) * of_objective(answers.objective, answers.cost_dp, answers.performance_dp, answers.dp),
            0
        ) as slo_users
) as users
order by answers.architecture_key, answers.quantization, answers.context, answers.shape_kind;
