-- Why an engine does not run a precision on an accelerator, or null. AMD cards run 8-bit and 4-bit floating point methods only
-- where they have fp8 arithmetic; accelerators of other vendors run 16-bit weights only, as far as the catalog knows.
-- Units: CUDA compute capability.
-- Source: vLLM supported-hardware table and installation guide.
-- Example: hardware_refusal('NVIDIA', 6.0, 7.0, false, 'bf16', 7.0, null, true, '16bit', false) = 'the engine needs compute capability 7.0, the card has 6.0'
-- Example: hardware_refusal('NVIDIA', 7.0, 7.0, false, 'awq-4bit', 7.5, null, true, '16bit', false) = 'awq-4bit needs compute capability 7.5, the card has 7.0'
-- Example: hardware_refusal('NVIDIA', 10.0, 7.0, false, 'int8', 7.5, 9.0, true, 'int8', true) = 'int8 has no kernels above compute capability 9.0, the card has 10.0'
-- Example: hardware_refusal('Google', null, 7.0, false, 'bf16', 7.0, null, true, '16bit', false) = 'the engines catalog knows no support for this accelerator'
-- Example: hardware_refusal('Google', null, 7.0, true, 'fp8', 7.5, null, true, 'fp8', true) = 'fp8 is not known to run on accelerators of Google'
-- Example: hardware_refusal('Google', null, 7.0, true, 'bf16', 7.0, null, true, '16bit', false) = null
-- Example: hardware_refusal('NVIDIA', 9.0, 7.0, false, 'fp8', 7.5, null, true, 'fp8', true) = null
create or replace macro hardware_refusal(
    vendor, capability, engine_min_capability, target_supported, precision, min_capability, max_capability, amd_supported,
    arithmetic, has_fp8
) as
    case
        when vendor <> 'NVIDIA' and not target_supported then 'the engines catalog knows no support for this accelerator'
        when vendor not in ('NVIDIA', 'AMD') and precision not in ('bf16', 'the engine')
            then format('{} is not known to run on accelerators of {}', precision, vendor)
        when vendor = 'AMD' and not amd_supported then format('{} has no kernels on AMD', precision)
        when vendor = 'AMD' and arithmetic in ('fp8', 'fp4') and not has_fp8
            then format('{} needs fp8 arithmetic on AMD, which the card has not', precision)
        when vendor <> 'NVIDIA' then null
        when capability is null then 'the compute capability of the card is not known'
        when capability < engine_min_capability
            then format(
                'the engine needs compute capability {:.1f}, the card has {:.1f}',
                engine_min_capability::double,
                capability::double
            )
        when capability < min_capability
            then format(
                '{} needs compute capability {:.1f}, the card has {:.1f}',
                precision,
                min_capability::double,
                capability::double
            )
        when capability > max_capability
            then format(
                '{} has no kernels above compute capability {:.1f}, the card has {:.1f}',
                precision,
                max_capability::double,
                capability::double
            )
    end;
