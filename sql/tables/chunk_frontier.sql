-- The frontier of one chunk, for the cheapest offer of each kind of machine: a row is one precision, KV precision and context of an architecture
-- on one kind of machine that nothing of the same architecture and context beats: nothing costs no more an hour, answers no slower, yields
-- no fewer tokens and keeps no worse a precision, and is better in one of these, all as they are stored.
create or replace temp table chunk_frontier as
with

cheapest as (
    select
        hardware,
        min(usd_per_hour) as usd_per_hour,
        min(usd_per_hour) filter (where is_scaled_out) as scaled_out_usd_per_hour
    from offers
    group by hardware
),

contenders as (
    select
        figures.architecture_key,
        figures.context,
        figures.quantization,
        figures.kv_dtype,
        figures.hardware,
        figures.quality,
        figures.tpot_ms::float as tpot_ms,
        figures.output_tokens_per_s::float as output_tokens_per_s,
        figures.nodes * if(figures.nodes = 1, cheapest.usd_per_hour, cheapest.scaled_out_usd_per_hour) as usd_per_hour
    from chunk_figures as figures
    join cheapest using (hardware)
    where figures.tpot_ms is not null
),

frontier as (
    select contenders.*
    from contenders
    anti join contenders as better
        on better.architecture_key = contenders.architecture_key
        and better.context = contenders.context
        and better.usd_per_hour <= contenders.usd_per_hour
        and better.tpot_ms <= contenders.tpot_ms
        and better.output_tokens_per_s >= contenders.output_tokens_per_s
        and better.quality <= contenders.quality
        and (
            better.usd_per_hour < contenders.usd_per_hour
            or better.tpot_ms < contenders.tpot_ms
            or better.output_tokens_per_s > contenders.output_tokens_per_s
            or better.quality < contenders.quality
        )
    where contenders.usd_per_hour is not null
)

select
    architecture_key,
    context,
    quantization,
    kv_dtype,
    hardware
from frontier;
