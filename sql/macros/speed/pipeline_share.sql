-- Share of a prefill's time that is left when its chunks overlap on pipeline stages.
-- Units: share; tokens.
-- Source: chunks pass the stages one behind the other: (chunks + stages - 1) / (chunks x stages).
-- Example: pipeline_share(1, 8192, 4) = 1
-- Example: pipeline_share(32768, 8192, 4) = 0.4375
-- Example: pipeline_share(32768, 8192, 1) = 1
create or replace macro pipeline_share(tokens, max_num_batched_tokens, pp) as
    (greatest(1, ceil(tokens / max_num_batched_tokens::double)) + pp - 1)
    / (greatest(1, ceil(tokens / max_num_batched_tokens::double)) * pp);
