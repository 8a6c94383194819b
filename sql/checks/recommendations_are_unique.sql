-- Rows of recommendations that share their key.
select
    architecture_key,
    provider,
    shape,
    nodes,
    quantization,
    kv_dtype,
    context,
    count(*) as rows_of_key
from architecture_recommendations
group by all
having count(*) > 1;
