-- Sequences of one length that a pool holds at once.
-- Units: sequences; bytes.
-- Source: the engine's maximum concurrency, whole sequences.
-- Example: sequences_that_fit(1000, 300) = 3
-- Example: sequences_that_fit(-10, 300) = 0
create or replace macro sequences_that_fit(pool_bytes, bytes_per_sequence) as
    greatest(0, floor(pool_bytes / nullif(bytes_per_sequence, 0)::double))::bigint;
