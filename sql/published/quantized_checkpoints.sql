-- A row is one repository that publishes a model in another precision. Of a repository that was read its own config says the
-- precision; it belongs to the model that the Hub tags it as quantized from, or that the catalog names. Of the others the catalog
-- says it.
create or replace view quantized_checkpoints as
with

read_checkpoints as (
    select
        models.model_id as checkpoint,
        if(models.base_model_relation = 'quantized', models.base_model, null) as base_model,
        models.downloads,
        models.source,
        models.fetched_at::date as as_of,
        checkpoint_precision(
            architectures.quantization_method,
            architectures.quantization_bits,
            architectures.quantization_group_size,
            architectures.quantization_activations,
            architectures.quantization_format
        ) as quantization
    from models
    join architectures using (architecture_key)
    where architectures.quantization_method <> 'none'
)

select
    known_checkpoints.model_id,
    coalesce(read_checkpoints.quantization, known_checkpoints.quantization) as quantization,
    known_checkpoints.checkpoint,
    read_checkpoints.downloads,
    known_checkpoints.source,
    known_checkpoints.as_of
from known_checkpoints
left join read_checkpoints using (checkpoint)
union all
select
    read_checkpoints.base_model as model_id,
    read_checkpoints.quantization,
    read_checkpoints.checkpoint,
    read_checkpoints.downloads,
    read_checkpoints.source,
    read_checkpoints.as_of
from read_checkpoints
anti join known_checkpoints
    on known_checkpoints.model_id = read_checkpoints.base_model
    and known_checkpoints.checkpoint = read_checkpoints.checkpoint
where read_checkpoints.base_model is not null
    and read_checkpoints.base_model <> read_checkpoints.checkpoint;
