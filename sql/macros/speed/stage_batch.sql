-- Requests that a step of one pipeline stage sees: the batch passes in as many parts as there are stages.
-- Units: requests.
-- Source: micro-batches keep all stages busy.
-- Example: stage_batch(64, 1) = 64
-- Example: stage_batch(64, 4) = 16
-- Example: stage_batch(2, 4) = 1
create or replace macro stage_batch(batch, pp) as greatest(1e0, batch / pp::double);
