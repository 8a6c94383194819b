-- Pairs of new token and context token that causal attention computes in a layer for a prompt of which the first part is cached.
-- Units: pairs of tokens; window null for all tokens.
-- Source: causal attention: N^2/2 for a full layer, N x window beyond it for a windowed one.
-- Example: windowed_pairs(1000, 1000, null) = 500000
-- Example: windowed_pairs(500, 1000, null) = 375000
-- Example: windowed_pairs(1000, 1000, 100) = 95000
create or replace macro windowed_pairs(new_tokens, prompt_tokens, window_tokens) as
    case
        when window_tokens is null or window_tokens >= prompt_tokens then new_tokens * (prompt_tokens - new_tokens / 2e0)
        else
            new_tokens * window_tokens::double
            - pow(greatest(0e0, window_tokens - (prompt_tokens - new_tokens)), 2) / 2
    end;
