-- A row is one difference between the version being published and the one before: a model or shape added or gone, a fit gained
-- or lost by a model and shape that both versions know, a price that moved.
-- Parameters: the Parquet files of the version before ($models, $shapes, $prices, $recommendations).
with models_before as (
    select model_id
    from read_parquet($models)
),

shapes_before as (
    select
        provider,
        shape
    from read_parquet($shapes)
),

prices_before as (
    select
        provider,
        shape,
        price_kind,
        usd_per_hour
    from read_parquet($prices)
),

fits_before as (
    select distinct
        model_id,
        provider,
        shape,
        quantization,
        context
    from read_parquet($recommendations)
),

fits_now as (
    select distinct
        model_id,
        provider,
        shape,
        quantization,
        context
    from recommendations
),

models_added as (
    select model_id
    from models
    anti join models_before using (model_id)
),

models_gone as (
    select model_id
    from models_before
    anti join models using (model_id)
),

shapes_added as (
    select
        provider,
        shape
    from shapes
    anti join shapes_before using (provider, shape)
),

shapes_gone as (
    select
        provider,
        shape
    from shapes_before
    anti join shapes using (provider, shape)
),

-- Fits that only one version has because only it knows the model or the shape are the four differences above.
fits_gained as (
    select fits_now.*
    from fits_now
    anti join fits_before using (model_id, provider, shape, quantization, context)
    anti join models_added using (model_id)
    anti join shapes_added using (provider, shape)
),

fits_lost as (
    select fits_before.*
    from fits_before
    anti join fits_now using (model_id, provider, shape, quantization, context)
    anti join models_gone using (model_id)
    anti join shapes_gone using (provider, shape)
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
    full join prices_before
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
        'fit_gained' as change,
        model_id,
        provider,
        shape,
        quantization,
        context,
        'does_not_fit' as was,
        'fits' as now
    from fits_gained
    union all by name
    select
        'fit_lost' as change,
        model_id,
        provider,
        shape,
        quantization,
        context,
        'fits' as was,
        'does_not_fit' as now
    from fits_lost
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
