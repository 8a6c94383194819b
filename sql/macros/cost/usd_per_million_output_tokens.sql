-- Cost of a million output tokens at a stated load.
-- Units: USD; USD per hour of the deployment; tokens/s of the deployment.
-- Source: definition.
-- Example: usd_per_million_output_tokens(36, 1000) = 10
create or replace macro usd_per_million_output_tokens(usd_per_hour, tokens_per_s) as
    usd_per_hour / nullif(tokens_per_s * 3600, 0) * 1e6;
