-- A row is one tensor parallel degree of the one architecture at hand: what a GPU then holds in the newest engine, its padding
-- included, or why the engine refuses it.
with

degrees as (
    select
        architecture_key,
        'native' as quantization,
        (2 ** exponent)::integer as tp,
        1 as pp,
        1 as dp,
        1 as ep
    from architectures
    cross join policy_settings
    cross join range(31) as exponents(exponent)
    where 2 ** exponent <= max_tp
),

splits as (
    select
        tp,
        layout_refusal is null as accepted,
        (
            gpu_weights_bytes
            + if(
                precision = 'mxfp4' and moe_layers > 0,
                gpu_expert_bytes
                    * (
                        padded_share(
                            moe_intermediate_size / tp::double,
                            hidden_size,
                            mxfp4_expert_width_multiple,
                            mxfp4_hidden_multiple
                        ) - 1
                    ),
                0
            )
        ) / 1024 ^ 3 as weights_gib_per_gpu,
        layout_refusal as reason
    from sharded('degrees')
    join engine_settings as settings on settings.engine = 'vllm' and settings.is_newest
)

from splits
order by tp;
