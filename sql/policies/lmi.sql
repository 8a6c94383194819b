-- What the LMI guide would answer for one architecture: a row is one shape with the sequences of the context that it finds room
-- for. Weights are parameters times bytes, the cache counts all heads, memory is the sum over accelerators as marketed, in GB of
-- 10^9 bytes. A context above the model's own positions is capped, and `reason` says so; batches_by_context has the ladder of
-- contexts up to the model's own. Null context is the model's own maximum; null weight_bytes half precision (4 for float32, 1 for
-- 8 bit).
-- Example: from lmi('4f1c…', context := 4096)
create or replace macro lmi(architecture, context := null, weight_bytes := null) as table
with

settings as (
    select coalesce(weight_bytes, value)::integer as value_bytes
    from policies
    where policy = 'lmi' and key = 'default_weight_bytes'
),

model as (
    select
        facts.parameters_total * settings.value_bytes / 1e9 as weights_gb,
        lmi_kv_bytes_per_token(greatest(2, settings.value_bytes), facts.layers, facts.hidden_size) as kv_bytes_per_token,
        least(coalesce(context, facts.max_position_embeddings), facts.max_position_embeddings) as tokens,
        context > facts.max_position_embeddings as is_capped,
        (
            select list(lengths.context order by lengths.context)
            from contexts as lengths
            where lengths.context <= facts.max_position_embeddings
        )
            as ladder
    from architectures as facts
    cross join settings
    where facts.architecture_key = architecture
),

roomy as (
    select
        shapes.provider,
        shapes.shape,
        shapes.gpu,
        shapes.gpu_count,
        shapes.gpu_count * shapes.memory_gib_per_gpu as memory_gb,
        model.weights_gb,
        model.kv_bytes_per_token,
        model.tokens as context,
        model.kv_bytes_per_token * model.tokens / 1e9 as sequence_gb,
        lmi_batch(shapes.gpu_count * shapes.memory_gib_per_gpu, model.weights_gb, model.kv_bytes_per_token, model.tokens)
            as batch_size,
        array_to_string(
            list_transform(
                model.ladder,
                lambda length: format(
                    '{}: {}',
                    length,
                    lmi_batch(shapes.gpu_count * shapes.memory_gib_per_gpu, model.weights_gb, model.kv_bytes_per_token, length)
                )
            ),
            ', '
        ) as batches_by_context,
        if(model.is_capped, format('the context is capped at the model''s own {} tokens', model.tokens), null) as reason
    from shapes
    cross join model
    where shapes.gpu_count is not null and shapes.memory_gib_per_gpu is not null
)

from roomy
order by memory_gb, provider, shape;
