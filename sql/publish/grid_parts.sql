-- A row is one part of the nightly grid that is exported as a file of its own: a provider with recommendable shapes, a weight and
-- a KV precision.
select
    providers.provider,
    quantizations.quantization,
    kv_dtypes.kv_dtype
from providers
cross join quantizations
cross join kv_dtypes
where providers.provider in (select layouts.provider from layouts)
    and quantizations.nightly
    and kv_dtypes.nightly
order by all;
