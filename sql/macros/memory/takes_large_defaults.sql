-- Whether a card takes the engine's large defaults of sequences and batched tokens.
-- Units: GiB.
-- Source: vLLM: 70 GiB and more, other than A100, behind the API server; a Jetson Thor that shares its 122.8 GiB took the small
-- ones.
-- Example: takes_large_defaults('H100-SXM5-80GB', 79.2e0, 70, false) = true
-- Example: takes_large_defaults('A100-SXM4-80GB', 79.2e0, 70, false) = false
-- Example: takes_large_defaults('L40S', 44.4e0, 70, false) = false
-- Example: takes_large_defaults('JETSON-THOR', 122.8e0, 70, true) = false
create or replace macro takes_large_defaults(gpu, reported_gib, large_card_gib, is_unified) as
    reported_gib >= large_card_gib and not starts_with(gpu, 'A100') and not is_unified;
