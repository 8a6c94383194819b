-- A row is one shape as the estimates see it: memory that the engine is told of, the links, and why it is never recommended (null
-- where it may be). A shared accelerator has its share of the memory and no link; a single one has none either.
create or replace view shape_hardware as
with

cards as (
    from gpu_speeds
),

engine as (
    from engine_settings
    where engine = 'vllm' and is_newest
),

described as (
    select
        shapes.provider,
        shapes.shape,
        shapes.gpu,
        shapes.gpu_count,
        cards.reported_memory_gib
            * least(1e0, coalesce(shapes.memory_gib_per_gpu / cards.memory_gib, 1))
            * least(1e0, shapes.gpu_count)
            as reported_memory_gib,
        if(shapes.gpu_count <= 1, 'none', shapes.interconnect_kind) as interconnect_kind,
        if(shapes.gpu_count <= 1, null, shapes.interconnect_gb_per_s) as link_gb_per_s,
        shapes.network_gb_per_s,
        case
            when shapes.gpu_count is null then 'the number of its accelerators is not known'
            when cards.reported_memory_gib is null then 'the memory of its accelerators is not known'
            when shapes.gpu_count > 1 and shapes.interconnect_kind is null then 'the link between its accelerators is not known'
            else hardware_refusal(
                cards.vendor, cards.capability, engine.nvidia_min_capability,
                coalesce(list_contains(engine.supported_targets, cards.compute_capability), false), 'the engine', 0, null, true,
                '16bit', true
            )
        end as not_recommended_reason
    from shapes
    left join cards using (gpu)
    cross join engine
)

from described;
