-- A row is one fit that the models of a pair of architectures have gained or lost, on shapes that both versions know. $same_grid:
-- rows per architecture are the same as before, so that only models with another architecture than before are looked at.
create or replace temp table fit_changes as
with

pairs as (
    select distinct
        key_before,
        key_now
    from kept_models
    where not $same_grid or key_before <> key_now
),

fits_before as (
    select distinct
        pairs.key_before,
        pairs.key_now,
        best.provider,
        best.shape,
        best.quantization,
        best.context
    from version_before.architecture_recommendations as best
    join pairs on pairs.key_before = best.architecture_key
),

fits_now as (
    select distinct
        pairs.key_before,
        pairs.key_now,
        best.provider,
        best.shape,
        best.quantization,
        best.context
    from architecture_recommendations as best
    join pairs on pairs.key_now = best.architecture_key
),

gained as (
    select fits_now.*
    from fits_now
    anti join fits_before using (key_before, key_now, provider, shape, quantization, context)
    semi join version_before.shapes as shapes_before using (provider, shape)
),

lost as (
    select fits_before.*
    from fits_before
    anti join fits_now using (key_before, key_now, provider, shape, quantization, context)
    semi join shapes using (provider, shape)
)

select
    'fit_gained' as change,
    *
from gained
union all by name
select
    'fit_lost' as change,
    *
from lost;
