-- The instance table of the LMI guide by our own arithmetic, next to the guide's figures: a row is one sample model of one class
-- of parameter counts on the instance that the guide names, with half-precision weights and the sequences that fit beside them at
-- the lengths of the guide's worked example. The cache formula counts decoders only, so encoder-decoder models have weights and
-- no batch.
create or replace view lmi_instance_table as
with

settings as (
    select
        max(value) filter (where key = 'default_weight_bytes')::integer as value_bytes,
        max(value) filter (where key = 'long_context')::bigint as long_tokens,
        max(value) filter (where key = 'short_context')::bigint as short_tokens
    from policies
    where policy = 'lmi'
),

weighed as (
    select
        guide.*,
        settings.*,
        shapes.gpu,
        shapes.gpu_count,
        shapes.gpu_count * shapes.memory_gib_per_gpu as memory_gb,
        guide.sample_parameters_billion * settings.value_bytes as weights_gb,
        lmi_kv_bytes_per_token(settings.value_bytes, guide.layers, guide.hidden_size) as kv_bytes_per_token
    from lmi_guide as guide
    join shapes on shapes.provider = 'sagemaker' and shapes.shape = guide.shape
    cross join settings
)

select
    parameters_billion,
    shape,
    format('{:.0f} x {}', gpu_count, gpu) as accelerators,
    memory_gb,
    sample_model,
    sample_parameters_billion,
    weights_gb,
    kv_bytes_per_token,
    kv_bytes_per_token * long_tokens / 1e9 as sequence_gb,
    if(kv_bytes_per_token is null, null, lmi_batch(memory_gb, weights_gb, kv_bytes_per_token, long_tokens)) as batch_low,
    if(kv_bytes_per_token is null, null, lmi_batch(memory_gb, weights_gb, kv_bytes_per_token, short_tokens)) as batch_high,
    guide_batch_low,
    guide_batch_high,
    note
from weighed
order by parameters_billion, memory_gb, sample_model;
