-- Cost of a million prompt and output tokens at a stated load.
-- Units: USD; USD per hour and output tokens/s of the deployment; tokens of one request.
-- Source: definition.
-- Example: usd_per_million_total_tokens(36, 1000, 3000, 1000) = 2.5
create or replace macro usd_per_million_total_tokens(usd_per_hour, tokens_per_s, input_tokens, output_tokens) as
    usd_per_million_output_tokens(usd_per_hour, tokens_per_s) * output_tokens / (input_tokens + output_tokens);
