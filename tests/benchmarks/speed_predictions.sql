-- A row is one measured run as the macros estimate it with the coefficients at hand.
with

sized_shards as (
    from sized('shards')
),

served_shards as (
    from served('sized_shards')
),

predictions as (
    select
        id::uinteger as run,
        ttft_ms as predicted_ttft_ms,
        tpot_ms as predicted_tpot_ms,
        requests as predicted_requests,
        speed_calibration as calibration
    from served_shards
)

from predictions
order by run;
