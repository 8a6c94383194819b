-- A row is one shape that the question allows and on which the model does not start at the context, in the layout that comes
-- nearest: what is missing, why, and the longest context that this layout would hold. Least missing first.
with

lengths as (
    select min(loads.context) as context
    from grid_loads as loads
    join models using (architecture_key)
    where models.model_id = $model and loads.context >= $context
),

tried as (
    select fits.*
    from fits
    join models using (architecture_key)
    join lengths on lengths.context = fits.context
    join grid_quantizations
        on grid_quantizations.architecture_key = fits.architecture_key
        and grid_quantizations.quantization = fits.quantization
    join kv_dtypes on kv_dtypes.kv_dtype = fits.kv_dtype and kv_dtypes.nightly
    semi join asked_shapes on asked_shapes.provider = fits.provider and asked_shapes.shape = fits.shape
    where models.model_id = $model
        and ($quantization is null or fits.quantization = $quantization)
        and fits.nodes = 1
        and not fits.fits
),

nearest as (
    select *
    from tried
    qualify row_number() over (
        partition by provider, shape
        order by free_gib_per_gpu desc nulls last, layout_valid desc, gpu_count, tp, pp, ep
    ) = 1
)

select
    provider,
    shape,
    gpu,
    gpu_count,
    tp,
    pp,
    dp,
    ep,
    quantization,
    kv_dtype,
    context,
    verdict,
    outcome,
    weights_gib_per_gpu,
    kv_needed_gib_per_gpu,
    memory_allowed_gib_per_gpu,
    -free_gib_per_gpu as missing_gib_per_gpu,
    max_context,
    reason
from nearest
order by layout_valid desc, free_gib_per_gpu desc nulls last, provider, shape
limit 5;
