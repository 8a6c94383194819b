-- A row is one architecture at one weight precision under one layout of the grid: whether the engine accepts it, or the reason
-- why not.
create or replace view layout_checks as
with

degrees as (
    select distinct tp, pp, dp, ep
    from layouts
),

checked_keys as (
    select
        architectures.architecture_key,
        quantizations.quantization,
        degrees.*
    from architectures
    cross join quantizations
    cross join degrees
)

select
    architecture_key,
    quantization,
    tp,
    pp,
    dp,
    ep,
    layout_refusal is null as layout_valid,
    layout_refusal as reason
from sharded('checked_keys');
