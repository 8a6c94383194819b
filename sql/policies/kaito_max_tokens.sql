-- Longest sequence that the KAITO guide allows on a number of GPUs: the same line solved for the tokens, never negative and at
-- most the model's own positions.
-- Units: tokens; GiB; bytes a token.
-- Source: KAITO model SKU requirements guide.
-- Example: kaito_max_tokens(2, 16, 24, 0.9e0, 1.02e0, 2.3e0, 131072, 131072) = 131072
-- Example: kaito_max_tokens(1, 16, 24, 0.9e0, 1.02e0, 2.3e0, 131072, 131072) = 24412
-- Example: kaito_max_tokens(1, 40, 24, 0.9e0, 1.02e0, 2.3e0, 131072, 131072) = 0
create or replace macro kaito_max_tokens(
    gpus, weights, memory_gib, utilization, weights_factor, overhead_gib, bytes_per_token, max_positions
) as
    least(
        max_positions,
        greatest(
            0,
            floor(
                (gpus * memory_gib * utilization - weights * weights_factor - overhead_gib * gpus)
                * 1024 ^ 3 / bytes_per_token::double
            )
        )
    )::bigint;
