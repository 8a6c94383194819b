-- Whether a card takes the engine's large defaults of sequences and batched tokens. takes_small_defaults: the engine names the
-- card as an exception (small_defaults in the engines catalog).
-- Units: GiB.
-- Source: vLLM: 70 GiB and more, other than A100, behind the API server; a Jetson Thor that shares its 122.8 GiB took the small
-- ones.
-- Example: takes_large_defaults(79.2e0, 70, false, false) = true
-- Example: takes_large_defaults(79.2e0, 70, false, true) = false
-- Example: takes_large_defaults(44.4e0, 70, false, false) = false
-- Example: takes_large_defaults(122.8e0, 70, true, false) = false
create or replace macro takes_large_defaults(reported_gib, large_card_gib, is_unified, takes_small_defaults) as
    reported_gib >= large_card_gib and not is_unified and not takes_small_defaults;
