-- A row is one shape of the question that holds the model, whether it meets the bounds in some layout and precision, and where
-- it meets them in none, the times of a single request in the layout that comes nearest; excess is how many times the bound the
-- worse of them is.
create or replace temp table holders as
with

layouts as (
    select
        offers.provider,
        offers.shape,
        capacities.quantization,
        capacities.within_slo or ($max_ttft_ms is null and $max_tpot_ms is null) as meets_bounds,
        capacities.held_ttft_ms,
        capacities.held_tpot_ms,
        greatest(
            coalesce(capacities.held_ttft_ms / capacities.bound_ttft_ms, 'infinity'::double),
            coalesce(capacities.held_tpot_ms / capacities.bound_tpot_ms, 'infinity'::double)
        ) as excess
    from capacities
    join deployment_classes as classes using (replica_class)
    join offers using (hardware)
    semi join asked_shapes using (provider, shape)
    where classes.nodes = 1 or offers.is_scaled_out
)

select
    layouts.provider,
    layouts.shape,
    bool_or(layouts.quantization = $answered_quantization) as in_precision,
    coalesce(bool_or(layouts.meets_bounds) filter (where layouts.quantization = $answered_quantization), false) as meets_bounds,
    arg_min(layouts.held_ttft_ms, layouts.excess) filter (where layouts.quantization = $answered_quantization) as held_ttft_ms,
    arg_min(layouts.held_tpot_ms, layouts.excess) filter (where layouts.quantization = $answered_quantization) as held_tpot_ms,
    min(layouts.excess) filter (where layouts.quantization = $answered_quantization) as excess
from layouts
group by layouts.provider, layouts.shape;
