-- A row is one accelerator of the table `accelerators` for the model named $model of the table `given_models`, by the
-- config_recommender policy: those that will do first, the best by the objective on top, then those that will not.
--   performance  tokens per second, then dollars an hour: the tool's own rule
--   cost         dollars an hour, then tokens per second
--   balanced     dollars per token, then tokens per second
from config_recommender(
    $model,
    'accelerators',
    weight_bytes := $weight_bytes,
    batch_size := $batch_size,
    sequence_length := $sequence_length,
    latency_bound_ms := $latency_bound_ms,
    models := 'given_models'
)
order by
    is_compatible desc,
    case $objective
        when 'cost' then cost_per_hour
        when 'balanced' then cost_per_hour / tokens_per_second
    end nulls last,
    tokens_per_second desc nulls last,
    cost_per_hour nulls last,
    name;
