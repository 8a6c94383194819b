-- A row is one tensor parallel degree of the one architecture at hand: what a GPU then holds, or why the engine refuses it.
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
        gpu_weights_bytes / 1024 ^ 3 as weights_gib_per_gpu,
        layout_refusal as reason
    from sharded('degrees')
)

from splits
order by tp;
