-- What the KAITO guide would answer for one architecture: a row is one shape with the GPUs and machines that it takes for a
-- sequence of the context, and the longest sequence on those machines. A context above the model's own positions is capped.
-- Models that cannot be split (Falcon) must fit one GPU. Null arguments take the policy's settings; memory is the catalogued one.
-- Example: from kaito('4f1c…', context := 8192)
create or replace macro kaito(architecture, context := null, utilization := null) as table
with

settings as (
    select
        max(value) filter (where key = 'weights_factor') as weights_factor,
        max(value) filter (where key = 'activation_gib') + max(value) filter (where key = 'non_torch_gib') as overhead_gib,
        max(value) filter (where key = 'gpu_memory_utilization') as used_share,
        max(value) filter (where key = 'context') as asked_tokens
    from policies
    where policy = 'kaito'
),

model as (
    select
        facts.weights_bytes / 1024 ^ 3 as weights_gib,
        facts.max_position_embeddings,
        facts.model_type not in ('falcon', 'RefinedWeb', 'RefinedWebModel') as can_be_split,
        policy_kv_bytes_per_token(
            facts.layers,
            if(facts.attention_type = 'MLA', facts.attention_heads, facts.kv_heads),
            facts.hidden_size // facts.attention_heads,
            checkpoint_value_bytes(facts.checkpoint_dtype)
        ) as kv_bytes_per_token
    from architectures as facts
    where facts.architecture_key = architecture
),

asked as (
    select
        shapes.provider,
        shapes.shape,
        shapes.gpu,
        shapes.gpu_count,
        shapes.memory_gib_per_gpu,
        model.*,
        settings.* replace (coalesce(utilization, settings.used_share) as used_share),
        least(coalesce(context, settings.asked_tokens), model.max_position_embeddings)::bigint as max_token_length
    from shapes
    cross join model
    cross join settings
    where shapes.gpu_count >= 1 and shapes.memory_gib_per_gpu is not null
),

counted as (
    select
        *,
        kaito_gpus(
            weights_gib, max_token_length * kv_bytes_per_token / 1024 ^ 3, memory_gib_per_gpu, used_share, weights_factor,
            overhead_gib
        ) as gpus_needed
    from asked
),

placed as (
    select
        *,
        gpus_needed is not null and (can_be_split or gpus_needed <= 1) as is_reachable,
        if(can_be_split, ceil(gpus_needed / gpu_count), 1)::bigint as machines
    from counted
)

select
    provider,
    shape,
    gpu,
    gpu_count,
    memory_gib_per_gpu,
    used_share as gpu_memory_utilization,
    max_token_length,
    gpus_needed,
    if(is_reachable, machines, null) as nodes_needed,
    if(
        is_reachable,
        kaito_max_tokens(
            if(can_be_split, machines * gpu_count, 1), weights_gib, memory_gib_per_gpu, used_share, weights_factor, overhead_gib,
            kv_bytes_per_token, max_position_embeddings
        ),
        null
    ) as final_max_tokens,
    nullif(
        concat_ws(
            '; ',
            case
                when gpus_needed is null then 'a GPU is smaller than its own overhead'
                when not is_reachable then 'the model cannot be split, and one GPU is too small'
            end,
            if(
                context > max_position_embeddings,
                format('the context is capped at the model''s own {} tokens', max_token_length),
                null
            )
        ),
        ''
    ) as reason
from placed
order by nodes_needed nulls last, gpus_needed nulls last, provider, shape;
