-- What four tools say of one model on one shape at one context, side by side: a row is one architecture, shape and context of the
-- grid, the checkpoint as it is. fits, memory and the longest context by the engine itself (vllm: one machine, the balanced
-- layout), by the KAITO guide, by the LMI guide (memory pooled over the accelerators of the machine) and by the AQUA tool (OCI
-- shapes only, its own precision and context, null on shapes that it drops for a better one). The rules that need a marketed
-- memory are null where the catalog has none, KAITO's on parts of an accelerator too. Each policy's columns come from its own
-- macro. Ask for an architecture_key and a context.
create or replace view policy_comparison as
with

lengths as (
    select distinct
        architecture_key,
        context
    from grid_loads
),

places as (
    select
        lengths.architecture_key,
        lengths.context,
        shapes.provider,
        shapes.shape,
        shapes.gpu,
        shapes.gpu_count
    from shapes
    cross join lengths
    where shapes.gpu_count is not null
),

started as (
    select
        architecture_key,
        provider,
        shape,
        context,
        arg_min(memory_used_gib_per_gpu, kv_dtype) as vllm_memory_gib_per_gpu,
        arg_min(memory_allowed_gib_per_gpu, kv_dtype) as vllm_allowed_gib_per_gpu,
        arg_min(verdict, kv_dtype) as vllm_verdict,
        arg_min(max_context, kv_dtype) as vllm_max_context,
        arg_min(max_sequences * dp, kv_dtype) as vllm_max_sequences,
        arg_min(tp, kv_dtype) as vllm_tp,
        arg_min(pp, kv_dtype) as vllm_pp,
        arg_min(dp, kv_dtype) as vllm_dp
    from architecture_recommendations
    where nodes = 1 and quantization = 'native'
    group by architecture_key, provider, shape, context
),

by_kaito as (
    select
        lengths.architecture_key,
        lengths.context,
        answers.*
    from lengths, lateral (from kaito(lengths.architecture_key, context := lengths.context)) as answers
),

by_lmi as (
    select
        lengths.architecture_key,
        lengths.context as asked_context,
        answers.*
    from lengths, lateral (from lmi(lengths.architecture_key, context := lengths.context)) as answers
),

by_aqua as (
    select
        answers.* replace (ranked.catalog_shape as shape),
        'oci' as provider
    from aqua(null) as answers
    join aqua_shapes as ranked using (shape)
    where ranked.catalog_shape is not null
)

select
    places.architecture_key,
    places.provider,
    places.shape,
    places.gpu,
    places.gpu_count,
    places.context,
    started.vllm_verdict is not null as vllm_fits,
    started.vllm_verdict,
    started.vllm_memory_gib_per_gpu,
    started.vllm_allowed_gib_per_gpu,
    started.vllm_max_context,
    started.vllm_max_sequences,
    started.vllm_tp,
    started.vllm_pp,
    started.vllm_dp,
    if(by_kaito.shape is null, null, by_kaito.nodes_needed is not distinct from 1) as kaito_fits,
    by_kaito.gpus_needed as kaito_gpus_needed,
    by_kaito.nodes_needed as kaito_nodes_needed,
    by_kaito.final_max_tokens as kaito_max_tokens,
    by_lmi.batch_size >= 1 as lmi_fits,
    by_lmi.weights_gb + by_lmi.sequence_gb as lmi_memory_gb,
    by_lmi.memory_gb as lmi_available_gb,
    by_lmi.batch_size as lmi_batch_size,
    by_aqua.context >= places.context as aqua_fits,
    by_aqua.total_gb as aqua_memory_gb,
    by_aqua.memory_gb as aqua_available_gb,
    by_aqua.quantization as aqua_quantization,
    by_aqua.context as aqua_max_context
from places
left join started using (architecture_key, provider, shape, context)
left join by_kaito using (architecture_key, provider, shape, context)
left join by_lmi
    on by_lmi.architecture_key = places.architecture_key
    and by_lmi.provider = places.provider
    and by_lmi.shape = places.shape
    and by_lmi.asked_context = places.context
left join by_aqua
    on by_aqua.architecture_key = places.architecture_key
    and by_aqua.provider = places.provider
    and by_aqua.shape = places.shape;
