-- The rows of an answer, from a table of offers as `ranked_offers` returns it: those in the nearest standing of precision (or
-- in every precision, where the question says so), best first, the first `shown` of them (null: all). `offers` counts them, and
-- `offered` is true of them. Behind them, not `offered`, are the best of each precision that could be had and was not asked
-- for.
create or replace macro answer_rows(ranked, takes_every_precision, shown) as table
with

stood as (
    select
        placed.*,
        takes_every_precision or placed.precision_standing = min(placed.precision_standing) over () as offered
    from offer_columns(ranked) as placed
)

select
    stood.* exclude (place, precision_standing, offered),
    count(*) filter (where stood.offered) over () as offers,
    stood.offered
from stood
qualify stood.offered and (shown is null or row_number() over (partition by stood.offered order by stood.place) <= shown)
    or not stood.offered
        and stood.precision_standing <= 1
        and row_number() over (partition by stood.quantization order by stood.place) = 1
order by
    stood.offered desc,
    stood.place;
