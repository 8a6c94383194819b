-- Why a release of an engine refuses a model on a card, or null: it lacks the checkpoint's quantization method, kernels for the
-- precision or for sparse latent attention, or it serves the model type in float32 alone where the precision needs float16.
-- Lists are settings of the release (engine_settings); null for no such list.
-- Units: CUDA compute capability.
-- Source: vLLM, config/model.py (_verify_quantization, _check_valid_dtype) and the selection of attention back ends.
-- Example: engine_refusal('vllm', 'hqq', ['awq', 'fp8'], 'w4a16', null, 'NVIDIA', 9.0, false, ['9'], 'llama', false) = 'vllm has no quantization method hqq'
-- Example: engine_refusal('vllm', 'unstated', ['awq'], 'w4a16', null, 'AMD', null, false, null, 'llama', false) = 'the config names no quantization method: vllm takes the packed tensors for unquantized ones'
-- Example: engine_refusal('vllm', 'mxfp4', ['mxfp4'], 'mxfp4', ['mxfp4'], 'NVIDIA', 9.0, false, ['9'], 'gpt_oss', false) = 'this release of vllm has no kernels for mxfp4'
-- Example: engine_refusal('vllm', 'fp8', ['fp8'], 'fp8', null, 'NVIDIA', 8.9, true, ['9', '10'], 'deepseek_v32', false) = 'sparse attention has no back end for compute capability 8.9'
-- Example: engine_refusal('vllm', 'awq', ['awq'], 'awq-4bit', null, 'NVIDIA', 7.5, false, ['9'], 'gemma2', true) = 'gemma2 is refused in float16, which awq-4bit needs below compute capability 8.0'
-- Example: engine_refusal('vllm', 'none', ['awq'], 'bf16', ['mxfp4'], 'NVIDIA', 7.5, false, ['9'], 'gemma2', true) = null
-- Example: engine_refusal('sglang', 'hqq', null, 'w4a16', null, 'NVIDIA', 8.0, true, null, 'llama', false) = null
create or replace macro engine_refusal(
    engine, checkpoint_method, known_methods, precision, missing_precisions, vendor, capability, is_sparse,
    sparse_capabilities, model_type, serves_float32
) as
    case
        when checkpoint_method = 'unstated'
            then format('the config names no quantization method: {} takes the packed tensors for unquantized ones', engine)
        when checkpoint_method <> 'none' and not list_contains(known_methods, checkpoint_method)
            then format('{} has no quantization method {}', engine, checkpoint_method)
        when vendor = 'NVIDIA' and list_contains(missing_precisions, precision)
            then format('this release of {} has no kernels for {}', engine, precision)
        when vendor = 'NVIDIA' and is_sparse
            and not list_contains(sparse_capabilities, floor(capability)::integer::varchar)
            then format('sparse attention has no back end for compute capability {:.1f}', capability::double)
        when serves_float32 and precision not in ('bf16', 'bnb-4bit')
            then format('{} is refused in float16, which {} needs below compute capability 8.0', model_type, precision)
    end;
