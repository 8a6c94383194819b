-- A row is one architecture at one context of the grid, with its stated default load: the catalogued contexts below the longest
-- that the engine accepts for it, and that longest one.
create or replace view grid_loads as
with

lengths as (
    select
        architectures.architecture_key,
        contexts.context
    from architectures
    join contexts on contexts.context < architectures.max_model_len_limit
    union all
    select
        architecture_key,
        max_model_len_limit as context
    from architectures
),

loads as (
    select
        lengths.architecture_key,
        lengths.context,
        lengths.context - default_output_tokens(lengths.context, policy.output_share) as input_tokens,
        default_output_tokens(lengths.context, policy.output_share) as output_tokens
    from lengths
    cross join policy_settings as policy
)

from loads;
