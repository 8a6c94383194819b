-- Offenders over the whole grid: a row is a configuration of the view `fits` that fits better than the same one with a shorter context, with an
-- fp8 KV cache, with fewer bits a weight, or on a card of the same kind and links with more memory.
with

graded as (
    select
        * exclude (verdict),
        case verdict when 'fits' then 2 when 'tight' then 1 else 0 end as grade,
        case quantization when 'fp8' then 8 when 'awq-4bit' then 4 when 'bnb-4bit' then 4 when 'gptq-4bit' then 4 else 16 end as bits
    from fits
    where layout_valid and outcome <> 'refused'
),

shorter_contexts as (
    select *, 'a shorter context' as easier
    from graded
    qualify grade > min(grade) over (
        partition by architecture_key, provider, shape, nodes, tp, pp, dp, ep, quantization, kv_dtype
        order by context
        rows between unbounded preceding and current row
    )
),

smaller_caches as (
    select *, 'an fp8 KV cache' as easier
    from graded
    qualify grade > min(if(kv_dtype = 'fp8', grade, 2)) over (
        partition by architecture_key, provider, shape, nodes, tp, pp, dp, ep, quantization, context
    )
),

fewer_bits as (
    select *, 'fewer bits a weight' as easier
    from graded
    qualify grade > min(grade) over (
        partition by architecture_key, provider, shape, nodes, tp, pp, dp, ep, kv_dtype, context
        order by bits
        range between unbounded preceding and 1 preceding
    )
),

larger_cards as (
    select graded.*, 'more memory' as easier
    from graded
    join gpus using (gpu)
    qualify grade > min(grade) over (
        partition by
            architecture_key, nodes, tp, pp, dp, ep, quantization, kv_dtype, context, vendor, capability, non_torch_gib_per_gpu
        order by memory_allowed_gib_per_gpu
        range between 0.001 following and unbounded following
    )
),

offenders as (
    from shorter_contexts
    union all
    from smaller_caches
    union all
    from fewer_bits
    union all
    from larger_cards
)

select architecture_key, provider, shape, nodes, tp, pp, dp, ep, quantization, kv_dtype, context, grade, easier
from offenders;
