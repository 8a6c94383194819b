-- A row is one name that a condition may use: what it names, the name as asked for and the name that is meant.
select 'provider' as kind, provider as name, provider as meant
from providers
union all
select 'shape' as kind, shape as name, shape as meant
from shapes
union all
select 'region' as kind, price_region as name, price_region as meant
from prices
where price_region is not null
union all
select 'workload' as kind, workload as name, workload as meant
from workloads
union all
select 'quantization' as kind, alias as name, quantization as meant
from quantization_aliases
union all
select 'quantization' as kind, quantization as name, quantization as meant
from quantizations;
