-- The requests at which a time reaches its bound, along the line between two numbers of them: no more than the second, no fewer
-- than the first.
-- Units: requests; ms.
-- Source: definition; where times are convex in the requests, the line errs towards fewer.
-- Example: batch_at_bound(64, 20, 128, 40, 30) = 96
-- Example: batch_at_bound(64, 20, 128, 40, 50) = 128
-- Example: batch_at_bound(64, 20, 128, 40, 10) = 64
-- Example: batch_at_bound(64, 20, 128, 20, 30) = 128
create or replace macro batch_at_bound(batch, time_ms, greater_batch, greater_time_ms, bound_ms) as
    case
        when greater_time_ms <= bound_ms then greater_batch::double
        else greatest(
            batch::double,
            batch + (greater_batch - batch) * (bound_ms - time_ms) / nullif(greater_time_ms - time_ms, 0)::double
        )
    end;
