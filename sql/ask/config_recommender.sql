-- A row is one accelerator of the table `accelerators` for the architecture $architecture, by the config_recommender policy, best first.
from config_recommender(
    $architecture,
    'accelerators',
    weight_bytes := $weight_bytes,
    batch_size := $batch_size,
    sequence_length := $sequence_length,
    latency_bound_ms := $latency_bound_ms
);
