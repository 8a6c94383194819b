-- A row is one difference between the version being published and the one before: a model or shape added or gone, a fit gained
-- or lost by a model and shape that both versions know, a price that moved. Of models that share architectures, a fit is listed
-- for the $models_named most downloaded, and no more than $fits_listed in all; `changes_by_kind` counts every one.
with

models_added as (
    select model_id
    from models
    anti join version_before.models as models_before using (model_id)
),

models_gone as (
    select model_id
    from version_before.models
    anti join models using (model_id)
),

shapes_added as (
    select
        provider,
        shape
    from shapes
    anti join version_before.shapes as shapes_before using (provider, shape)
),

shapes_gone as (
    select
        provider,
        shape
    from version_before.shapes
    anti join shapes using (provider, shape)
),

fits as (
    select
        fit_changes.change,
        kept_models.model_id,
        fit_changes.provider,
        fit_changes.shape,
        fit_changes.quantization,
        fit_changes.context
    from fit_changes
    join kept_models using (key_before, key_now)
    where kept_models.place <= $models_named
    order by all
    limit $fits_listed
),

prices_moved as (
    select
        coalesce(prices.provider, prices_before.provider) as provider,
        coalesce(prices.shape, prices_before.shape) as shape,
        case coalesce(prices.price_kind, prices_before.price_kind)
            when 'spot' then 'spot_price'
            else 'price'
        end as change,
        prices_before.usd_per_hour::varchar as was,
        prices.usd_per_hour::varchar as now
    from prices
    full join version_before.prices as prices_before
        on prices.provider = prices_before.provider
        and prices.shape = prices_before.shape
        and prices.price_kind = prices_before.price_kind
    where prices.usd_per_hour is distinct from prices_before.usd_per_hour
),

prices_moved_of_known_shapes as (
    select prices_moved.*
    from prices_moved
    anti join shapes_added using (provider, shape)
    anti join shapes_gone using (provider, shape)
),

changes as (
    select
        'model_added' as change,
        model_id,
        null as provider,
        null as shape,
        null as quantization,
        null as context,
        null as was,
        null as now
    from models_added
    union all by name
    select
        'model_gone' as change,
        model_id
    from models_gone
    union all by name
    select
        'shape_added' as change,
        provider,
        shape
    from shapes_added
    union all by name
    select
        'shape_gone' as change,
        provider,
        shape
    from shapes_gone
    union all by name
    select
        change,
        model_id,
        provider,
        shape,
        quantization,
        context,
        if(change = 'fit_gained', 'does_not_fit', 'fits') as was,
        if(change = 'fit_gained', 'fits', 'does_not_fit') as now
    from fits
    union all by name
    select
        change,
        provider,
        shape,
        was,
        now
    from prices_moved_of_known_shapes
)

insert into changes by name
select *
from changes
order by all;
