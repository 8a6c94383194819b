-- The weight precision in which a checkpoint is published, as a key of the quantizations catalog.
-- Source: quantization_config of public checkpoints.
-- Example: checkpoint_precision('none', null, null, null, null) = 'bf16'
-- Example: checkpoint_precision('fp8', 8, 128, 'dynamic', null) = 'fp8_block'
-- Example: checkpoint_precision('fbgemm_fp8', 8, null, 'dynamic', null) = 'fp8'
-- Example: checkpoint_precision('compressed-tensors', 8, null, 'dynamic', 'int-quantized') = 'int8'
-- Example: checkpoint_precision('compressed-tensors', 4, 128, 'none', 'pack-quantized') = 'w4a16'
-- Example: checkpoint_precision('modelopt', 4, 16, 'static', 'NVFP4') = 'nvfp4'
create or replace macro checkpoint_precision(method, bits, group_size, activations, storage) as
    case
        when method = 'none' then 'bf16'
        when contains(lower(coalesce(storage, '')), 'nvfp4') or method in ('modelopt_fp4', 'nvfp4') then 'nvfp4'
        when contains(lower(coalesce(storage, '')), 'mxfp4') or contains(method, 'mxfp4') then 'mxfp4'
        when method = 'modelopt' and bits = 4 then 'nvfp4'
        when method = 'quark' and bits = 4 then 'mxfp4'
        when method = 'bitsandbytes' then 'bnb-4bit'
        when method in ('awq', 'awq_marlin') then 'awq-4bit'
        when method in ('gptq', 'gptq_marlin') then 'gptq-4bit'
        when bits = 8 and contains(lower(coalesce(storage, '')), 'int') and coalesce(activations, 'none') <> 'none' then 'int8'
        when contains(method, 'fp8') and group_size is not null then 'fp8_block'
        when bits = 8 then 'fp8'
        else 'w4a16'
    end;
