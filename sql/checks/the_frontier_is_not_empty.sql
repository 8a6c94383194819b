-- Architecture contexts with a priced row of known speed but no row on the frontier.
select
    architecture_key,
    context
from architecture_recommendations
group by architecture_key, context
having count(*) filter (where usd_per_hour is not null and tpot_ms is not null) > 0
    and count(*) filter (where on_frontier) = 0;
