-- A row is one engine: the factor on its overheads, the share of other requests' prefills that a decode step waits for, the
-- factor on that share where the model has experts, and its closed-loop queueing.
create or replace view engine_speeds as
select
    replace(key, 'closed_', '') as engine,
    max(value) filter (where name = 'overhead_factor') as engine_factor,
    max(value) filter (where name = 'phi') as phi,
    coalesce(max(value) filter (where name = 'phi_moe'), 1) as moe_phi_factor,
    max(value) filter (where name = 't0_ms') as loaded_t0_ms,
    max(value) filter (where name = 'kappa') as kappa
from speed_coefficients
where scope = 'engine' or (scope = 'ttft' and starts_with(key, 'closed_') and key <> 'closed_all')
group by replace(key, 'closed_', '');
