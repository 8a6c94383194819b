-- What is compared in one bucket, at the cheapest offer of each kind of machine: a row is one precision, KV precision and context
-- of an architecture on one kind of machine with known price and speed. It is on the frontier where nothing of the same
-- architecture and context costs no more an hour, answers no slower, yields no fewer tokens and keeps no worse a precision, and
-- is better in one of these, all as they are published. Otherwise dominated_by names the cheapest row of the frontier that does,
-- as provider/shape/quantization/kv_dtype. (A row at another context never beats one that its like at the same context does not:
-- figures fall as the context grows.)
create or replace temp table bucket_frontier as
with

cheapest as (
    select
        hardware,
        min(usd_per_hour) as usd_per_hour,
        arg_min(provider || '/' || shape, usd_per_hour) as offer,
        min(usd_per_hour) filter (where is_scaled_out) as scaled_out_usd_per_hour,
        arg_min(provider || '/' || shape, usd_per_hour) filter (where is_scaled_out) as scaled_out_offer
    from offers
    group by hardware
),

contenders as (
    select
        figures.rowid as contender,
        figures.architecture_key,
        figures.context,
        figures.quantization,
        figures.kv_dtype,
        figures.hardware,
        figures.quality,
        figures.tpot_ms,
        figures.output_tokens_per_s,
        figures.nodes * if(figures.nodes = 1, cheapest.usd_per_hour, cheapest.scaled_out_usd_per_hour) as usd_per_hour,
        if(figures.nodes = 1, cheapest.offer, cheapest.scaled_out_offer) || '/' || figures.quantization || '/' || figures.kv_dtype
            as offer
    from bucket_figures as figures
    join cheapest using (hardware)
    where figures.tpot_ms is not null
        and if(figures.nodes = 1, cheapest.usd_per_hour, cheapest.scaled_out_usd_per_hour) is not null
),

frontier as (  -- place: where a row stands among all by dollars, then by name
    select
        contenders.*,
        row_number() over (order by contenders.usd_per_hour, contenders.offer) as place
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
),

dominated as (
    select
        contenders.contender,
        min(frontier.place) as place
    from contenders
    anti join frontier as kept on kept.contender = contenders.contender
    join frontier
        on frontier.architecture_key = contenders.architecture_key
        and frontier.context = contenders.context
        and frontier.usd_per_hour <= contenders.usd_per_hour
        and frontier.tpot_ms <= contenders.tpot_ms
        and frontier.output_tokens_per_s >= contenders.output_tokens_per_s
        and frontier.quality <= contenders.quality
    group by contenders.contender
)

select
    contenders.architecture_key,
    contenders.context,
    contenders.quantization,
    contenders.kv_dtype,
    contenders.hardware,
    contenders.offer,
    dominated.place is null as on_frontier,
    frontier.offer as dominated_by
from contenders
left join dominated using (contender)
left join frontier using (place);
