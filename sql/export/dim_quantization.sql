-- A row is one weight precision.
select
    star_key(quantization) as quantization_id,
    quantization,
    bits_per_weight,
    weight_bytes,
    applies_to,
    arithmetic,
    quality_rank,
    engine_arguments
from quantizations
order by
    quality_rank,
    quantization;
