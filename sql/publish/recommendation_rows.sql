-- The one row says how many rows `recommendations` has, counted without making them.
with

rows_by_architecture as (
    select
        architecture_key,
        count(*) as kept_rows
    from architecture_recommendations
    group by architecture_key
),

models_by_architecture as (
    select
        architecture_key,
        count(*) as models
    from models
    group by architecture_key
)

select coalesce(sum(kept_rows * models), 0)::bigint as recommendation_rows
from rows_by_architecture
join models_by_architecture using (architecture_key);
