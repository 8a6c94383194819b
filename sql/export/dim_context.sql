-- A row is one context length: those of the catalog, and the longest context of each architecture. The length is its own key.
with

lengths as (
    select context
    from contexts
    union
    select max_model_len_limit as context
    from architectures
)

select
    context,
    context in (select contexts.context from contexts) as on_ladder
from lengths
order by context;
