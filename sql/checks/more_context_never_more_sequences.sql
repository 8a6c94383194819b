-- A longer context of the same architecture, shape, machines, precisions and layout that holds more sequences than a shorter one.
with

ordered as (
    select
        architecture_key,
        provider,
        shape,
        nodes,
        quantization,
        kv_dtype,
        context,
        max_sequences,
        lag(max_sequences) over (
            partition by architecture_key, provider, shape, nodes, quantization, kv_dtype, tp, pp, dp, ep
            order by context
        ) as max_sequences_of_shorter
    from architecture_recommendations
)

from ordered
where max_sequences > max_sequences_of_shorter;
