-- Expected tokens of one speculative step: the drafted ones up to the first that the model rejects, and the model's own.
-- Units: tokens; accepted_share is the chance that a drafted token is accepted.
-- Source: independent acceptance: (1 - share^(drafted + 1)) / (1 - share).
-- Example: accepted_tokens(0, 0.8e0) = 1
-- Example: accepted_tokens(3, 0.8e0) = 2.952
-- Example: accepted_tokens(3, 1) = 4
create or replace macro accepted_tokens(drafted, accepted_share) as
    if(accepted_share >= 1, drafted + 1e0, (1 - pow(accepted_share, drafted + 1)) / nullif(1 - accepted_share, 0e0));
