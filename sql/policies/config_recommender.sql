-- What the Config Recommender would answer for one architecture: a row is one accelerator of a table with the columns of its GPU
-- files (name, memory_gb, memory_bandwidth_gb_s, tflops_fp16, tflops_fp32, cost_per_hour). A token takes the longer of its
-- arithmetic and its reads at full peak rates (unknown where a rate is); weights and reads are true to the architecture (all
-- experts held, a token's own read). place orders those that fit and meet the latency bound: fastest first, the cheaper one on
-- ties. Null arguments take the policy's settings; GB is 10^9 bytes. `models` names the table that holds the architecture
-- (architecture_key, parameters_total, parameters_active, kv_bytes_per_token, hidden_size).
-- Example: from config_recommender('4f1c…', 'my_gpus', latency_bound_ms := 10)
create or replace macro config_recommender(
    architecture,
    accelerators,
    weight_bytes := null,
    batch_size := null,
    sequence_length := null,
    latency_bound_ms := null,
    models := 'architectures'
) as table
with

defaults as (
    select
        max(value) filter (where key = 'weight_bytes') as value_bytes,
        max(value) filter (where key = 'batch_size') as batch,
        max(value) filter (where key = 'sequence_length') as tokens,
        max(value) filter (where key = 'activation_passes') as activation_passes
    from policies
    where policy = 'config_recommender'
),

settings as (
    select
        coalesce(weight_bytes, value_bytes) as value_bytes,
        coalesce(batch_size, batch) as batch,
        coalesce(sequence_length, tokens) as tokens,
        activation_passes
    from defaults
),

model as (
    select
        settings.*,
        facts.parameters_active,
        facts.parameters_total * settings.value_bytes / 1e9 as weights_gb,
        facts.kv_bytes_per_token * settings.value_bytes / 2 * settings.batch * settings.tokens / 1e9 as kv_cache_gb,
        settings.activation_passes * settings.batch * settings.tokens * facts.hidden_size * settings.value_bytes / 1e9
            as activation_gb
    from query_table(models) as facts
    cross join settings
    where facts.architecture_key = architecture
),

paced as (
    select
        cards.name,
        cards.memory_gb,
        cards.cost_per_hour,
        model.weights_gb,
        model.kv_cache_gb,
        model.activation_gb,
        model.weights_gb + model.kv_cache_gb + model.activation_gb as memory_required_gb,
        compute_ms(
            2 * model.parameters_active * model.batch, if(model.value_bytes > 2, cards.tflops_fp32, cards.tflops_fp16), 1
        ) as compute_ms,
        transfer_ms(
            model.parameters_active * model.value_bytes + model.kv_cache_gb * 1e9, cards.memory_bandwidth_gb_s, 1
        ) as memory_ms,
        model.batch
    from query_table(accelerators) as cards
    cross join model
),

timed as (
    select
        *,
        compute_ms + greatest(memory_ms - compute_ms, 0) as intertoken_latency_ms
    from paced
),

judged as (
    select
        name,
        memory_gb,
        cost_per_hour,
        weights_gb,
        kv_cache_gb,
        activation_gb,
        memory_required_gb,
        memory_required_gb <= memory_gb as fits_in_memory,
        intertoken_latency_ms,
        1000 * batch / intertoken_latency_ms as tokens_per_second,
        compute_ms > memory_ms as compute_bound,
        memory_required_gb <= memory_gb
            and intertoken_latency_ms is not null
            and intertoken_latency_ms <= coalesce(latency_bound_ms, intertoken_latency_ms) as is_compatible
    from timed
)

select
    *,
    if(
        is_compatible,
        row_number() over (order by is_compatible desc, tokens_per_second desc nulls last, cost_per_hour nulls last, name),
        null
    ) as place
from judged
order by is_compatible desc, tokens_per_second desc nulls last, cost_per_hour nulls last, name;
