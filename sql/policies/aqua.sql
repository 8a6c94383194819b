-- What the AQUA shape recommendation tool would answer for one architecture: a row is one OCI shape that its rule finds room on,
-- with the first configuration that fits, largest shape first; shapes dominated by another (no cheaper rank, no faster rank, no
-- better precision, no longer context) are dropped. The rule: GPUs pooled, GB of 10^9 bytes, weights and the KV cache of one
-- sequence within a share of the memory; the checkpoint's own precision first, then 8 bit, then 4 bit of the weights, and for
-- each the longest context first. Null for the architecture answers for every one.
-- Example: from aqua('4f1c…')
create or replace macro aqua(architecture) as table
with

settings as (
    select
        max(value) filter (where key = 'gpu_memory_utilization') as utilization,
        max(value) filter (where key = 'close_share') as close_share,
        max(value) filter (where key = 'batch_size')::bigint as batch_size,
        max(value) filter (where key = 'min_context')::bigint as min_context,
        max(value) filter (where key = 'comparable_share') as comparable_share
    from policies
    where policy = 'aqua'
),

model as (
    select
        facts.architecture_key,
        facts.parameters_total,
        facts.loaded_weights_bytes,
        facts.quantization_method,
        facts.max_position_embeddings,
        if(facts.quantization_method = 'none', facts.checkpoint_dtype, facts.quantization_method) as own_precision,
        checkpoint_value_bytes(facts.checkpoint_dtype) as value_bytes,
        policy_kv_bytes_per_token(
            facts.layers,
            if(facts.attention_type = 'MLA', facts.attention_heads, facts.kv_heads),
            if(facts.attention_type = 'MLA', facts.hidden_size // facts.attention_heads, facts.head_dim),
            checkpoint_value_bytes(facts.checkpoint_dtype)
        ) as kv_bytes_per_token
    from architectures as facts
    where architecture is null or facts.architecture_key = architecture
),

precisions as (
    select
        architecture_key,
        1 as precision_order,
        own_precision as quantization,
        if(quantization_method = 'none', '8bit|4bit', '') as smaller_quantizations,
        if(quantization_method = 'none', parameters_total * value_bytes, loaded_weights_bytes) / 1e9 as weights_gb
    from model
    union all
    select architecture_key, 2, '8bit', '4bit', parameters_total / 1e9
    from model
    where quantization_method = 'none'
    union all
    select architecture_key, 3, '4bit', '', parameters_total / 2e9
    from model
    where quantization_method = 'none'
),

lengths as (
    select
        architecture_key,
        max_position_embeddings as context
    from model
    union
    select
        model.architecture_key,
        contexts.context
    from contexts
    cross join model
    cross join settings
    where contexts.context < model.max_position_embeddings and contexts.context >= settings.min_context
),

tried as (
    select
        model.architecture_key,
        shapes.shape,
        shapes.accelerator,
        shapes.gpu_count,
        shapes.memory_gb,
        shapes.quantization_methods,
        shapes.cost_rank_value,
        shapes.performance_rank_value,
        precisions.precision_order,
        precisions.quantization,
        precisions.smaller_quantizations,
        lengths.context,
        settings.batch_size,
        precisions.weights_gb,
        model.kv_bytes_per_token * lengths.context * settings.batch_size / 1e9 as kv_cache_gb,
        settings.utilization,
        settings.close_share,
        settings.comparable_share
    from aqua_shapes as shapes
    cross join model
    join precisions using (architecture_key)
    join lengths using (architecture_key)
    cross join settings
),

first_fits as (
    select *
    from tried
    where weights_gb + kv_cache_gb <= utilization * memory_gb
    qualify row_number() over (partition by architecture_key, shape order by precision_order, context desc) = 1
),

kept as (
    select first_fits.*
    from first_fits
    anti join first_fits as better
        on better.architecture_key = first_fits.architecture_key
        and better.cost_rank_value <= first_fits.cost_rank_value
        and better.performance_rank_value >= first_fits.performance_rank_value
        and better.precision_order <= first_fits.precision_order
        and better.context >= first_fits.context
        and (
            better.cost_rank_value < first_fits.cost_rank_value
            or better.performance_rank_value > first_fits.performance_rank_value
            or better.precision_order < first_fits.precision_order
            or better.context > first_fits.context
        )
)

select
    architecture_key,
    shape,
    accelerator,
    gpu_count,
    memory_gb,
    quantization_methods,
    cost_rank_value,
    performance_rank_value,
    quantization,
    smaller_quantizations,
    context,
    batch_size,
    weights_gb,
    kv_cache_gb,
    weights_gb + kv_cache_gb as total_gb,
    weights_gb + kv_cache_gb > close_share * memory_gb as close_to_limit,
    case
        when least(weights_gb, kv_cache_gb) >= comparable_share * greatest(weights_gb, kv_cache_gb) then 'both'
        when weights_gb > kv_cache_gb then 'weights'
        else 'kv_cache'
    end as limited_by
from kept
order by architecture_key, memory_gb desc, shape;
