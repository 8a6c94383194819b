-- A row is one distinct architecture, and how many models have it: what fact rows are multiplied by to count or sum over models.
with

sharing as (
    select
        architecture_key,
        count(*) as models
    from models
    group by architecture_key
),

described as (
    select
        star_key(architectures.architecture_key) as architecture_id,
        architectures.architecture_key,
        architectures.architecture_class,
        architectures.model_type,
        sharing.models,
        architectures.parameters_total,
        architectures.parameters_active,
        architectures.weights_bytes,
        architectures.checkpoint_dtype,
        architectures.quantization_method,
        architectures.quantization_bits,
        architectures.attention_type,
        architectures.layers,
        architectures.experts,
        architectures.experts_per_token,
        architectures.max_position_embeddings,
        architectures.max_model_len_default,
        architectures.max_model_len_limit,
        architectures.kv_bytes_per_token,
        architectures.state_bytes_per_sequence,
        architectures.sizes_source
    from architectures
    join sharing using (architecture_key)
)

from described
order by architecture_key;
