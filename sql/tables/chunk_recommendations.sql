-- One chunk's rows of architecture_recommendations: its ranks with the figures that they rank. The figures are kept once for each kind of
-- machine, however many shapes are such machines.
create or replace temp view chunk_recommendations as
select
    ranks.* exclude (hardware),
    figures.* exclude (
        architecture_key,
        context,
        quantization,
        kv_dtype,
        hardware,
        quality,
        reason,
        reason_without_price
    )
from chunk_ranks as ranks
join chunk_figures as figures using (architecture_key, context, quantization, kv_dtype, hardware);
