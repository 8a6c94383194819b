-- The one row of the model $model: its architecture, its lengths in tokens and the weight precision in which it is published.
select
    models.model_id,
    models.architecture_key,
    models.source,
    models.fetched_at,
    architectures.max_position_embeddings,
    architectures.max_model_len_default,
    architectures.max_model_len_limit,
    checkpoint_precision(
        architectures.quantization_method,
        architectures.quantization_bits,
        architectures.quantization_group_size,
        architectures.quantization_activations,
        architectures.quantization_format
    ) as own_precision
from models
join architectures using (architecture_key)
where models.model_id = $model;
