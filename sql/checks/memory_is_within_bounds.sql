-- Recommendations that use more memory than the engine allows itself, or whose parts are negative or do not add up.
select
    architecture_key,
    provider,
    shape,
    quantization,
    context,
    memory_used_gib_per_gpu,
    memory_allowed_gib_per_gpu
from architecture_recommendations
where memory_used_gib_per_gpu > memory_allowed_gib_per_gpu + 0.001
    or weights_gib_per_gpu <= 0
    or kv_cache_gib_per_gpu <= 0
    or activation_gib_per_gpu < 0
    or weights_gib_per_gpu + activation_gib_per_gpu + non_torch_gib_per_gpu + kv_cache_gib_per_gpu
        > memory_allowed_gib_per_gpu + 0.001;
