-- A row is one precision of the KV cache.
select
    star_key(kv_dtype) as kv_dtype_id,
    kv_dtype,
    kv_bytes_factor,
    engine_arguments
from kv_dtypes
order by kv_dtype;
