-- A row is one asked configuration (table `asked`: a resolved estimate with architecture_key and the catalogued memory_gib of its GPU) as other
-- tools' rules answer it: GiB a GPU left for the KV cache, tokens of one sequence that fit, and whether the asked context is among them.
with

asked_configurations as (
    from asked
),

settings as (
    select
        max(value) filter (where policy = 'aqua' and key = 'gpu_memory_utilization') as aqua_utilization,
        max(value) filter (where policy = 'kaito' and key = 'weights_factor') as kaito_weights_factor,
        max(value) filter (where policy = 'kaito' and key = 'activation_gib')
            + max(value) filter (where policy = 'kaito' and key = 'non_torch_gib') as kaito_overhead_gib,
        max(value) filter (where policy = 'kaito' and key = 'gpu_memory_utilization') as kaito_utilization,
        max(value) filter (where policy = 'lmi' and key = 'default_weight_bytes') as lmi_value_bytes
    from policies
),

read_facts as (
    select
        asked_configurations.id,
        asked_configurations.gpu_count,
        asked_configurations.max_model_len,
        asked_configurations.memory_gib,
        facts.weights_bytes / 1024 ^ 3 as weights_gib,
        facts.max_position_embeddings,
        if(
            facts.quantization_method = 'none',
            facts.parameters_total * case
                when asked_configurations.quantization in ('native', 'bf16') then checkpoint_value_bytes(facts.checkpoint_dtype)
                when asked_configurations.quantization in ('fp8', 'fp8_block', 'int8') then 1
                else 0.5e0
            end,
            facts.loaded_weights_bytes
        ) / 1e9 as aqua_weights_gb,
        facts.parameters_total * settings.lmi_value_bytes / 1e9 as lmi_weights_gb,
        policy_kv_bytes_per_token(
            facts.layers,
            if(facts.attention_type = 'MLA', facts.attention_heads, facts.kv_heads),
            if(facts.attention_type = 'MLA', facts.hidden_size // facts.attention_heads, facts.head_dim),
            checkpoint_value_bytes(facts.checkpoint_dtype)
        ) as kv_bytes,
        lmi_kv_bytes_per_token(settings.lmi_value_bytes::integer, facts.layers, facts.hidden_size) as lmi_kv_bytes,
        settings.*
    from asked_configurations
    join architectures as facts using (architecture_key)
    cross join settings
),

pooled as (
    select
        *,
        (aqua_utilization * gpu_count * memory_gib - aqua_weights_gb) * 1e9 as aqua_pool_bytes,
        (
            gpu_count * (memory_gib * kaito_utilization - kaito_overhead_gib) - weights_gib * kaito_weights_factor
        ) * 1024 ^ 3 as kaito_pool_bytes,
        (gpu_count * memory_gib - lmi_weights_gb) * 1e9 as lmi_pool_bytes
    from read_facts
),

answered as (
    select
        id,
        aqua_pool_bytes / 1024 ^ 3 / gpu_count as aqua_pool_gib,
        greatest(0, floor(aqua_pool_bytes / kv_bytes)) as aqua_tokens,
        aqua_pool_bytes >= kv_bytes * max_model_len as aqua_fits,
        kaito_pool_bytes / 1024 ^ 3 / gpu_count as kaito_pool_gib,
        greatest(0, floor(kaito_pool_bytes / kv_bytes)) as kaito_tokens,
        kaito_gpus(
            weights_gib, kv_bytes * max_model_len / 1024 ^ 3, memory_gib, kaito_utilization, kaito_weights_factor, kaito_overhead_gib
        ) <= gpu_count as kaito_fits,
        lmi_pool_bytes / 1024 ^ 3 / gpu_count as lmi_pool_gib,
        greatest(0, floor(lmi_pool_bytes / lmi_kv_bytes)) as lmi_tokens,
        lmi_batch(gpu_count * memory_gib, lmi_weights_gb, lmi_kv_bytes, max_model_len) >= 1 as lmi_fits
    from pooled
)

from answered;
