-- The repository that publishes a model in a precision: of several the one that is downloaded most, of equals one of the model's
-- own publisher; null where none is known.
-- Source: quantized_checkpoints of the same version.
-- Example: checkpoint_of('Qwen/Qwen2.5-7B-Instruct', 'awq-4bit') = 'Qwen/Qwen2.5-7B-Instruct-AWQ'
-- Example: checkpoint_of('Qwen/Qwen2.5-7B-Instruct', 'mxfp4') = null
create or replace macro checkpoint_of(model, precision) as (
    select
        first(
            quantized_checkpoints.checkpoint
            order by
                quantized_checkpoints.downloads desc nulls last,
                split_part(quantized_checkpoints.checkpoint, '/', 1) = split_part(model, '/', 1) desc,
                quantized_checkpoints.checkpoint
        )
    from quantized_checkpoints
    where quantized_checkpoints.model_id = model
        and quantized_checkpoints.quantization = precision
);
