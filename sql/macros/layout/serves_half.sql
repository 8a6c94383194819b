-- True where a model is to be served with `--dtype half`: the card has no bfloat16, and the engine does not refuse the model type
-- in float16 (such a model is left to `auto`, which takes float32).
-- Units: CUDA compute capability.
-- Source: vLLM, config/model.py, _resolve_auto_dtype and _check_valid_dtype.
-- Example: serves_half('NVIDIA', 7.5, 'llama-3.1-8b') = true
-- Example: serves_half('NVIDIA', 8.0, 'llama-3.1-8b') = false
-- Example: serves_half('AMD', null, 'llama-3.1-8b') = false
create or replace macro serves_half(vendor, capability, architecture) as
    coalesce(
        vendor = 'NVIDIA'
        and capability < (
            select settings.nvidia_bf16_min_capability
            from engine_settings as settings
            where settings.engine = 'vllm' and settings.is_newest
        )
        and architecture not in (
            select described.architecture_key
            from architectures as described
            join engine_settings as settings on list_contains(settings.float16_refused_types, described.model_type)
            where settings.engine = 'vllm' and settings.is_newest
        ),
        false
    );
