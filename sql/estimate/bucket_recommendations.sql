-- One bucket's rows of architecture_recommendations: its ranks with the figures that they rank. The figures are kept once for
-- each kind of machine, however many shapes are such machines.
create or replace temp view bucket_recommendations as
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
from bucket_ranks as ranks
join bucket_figures as figures using (architecture_key, context, quantization, kv_dtype, hardware);
