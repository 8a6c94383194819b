-- Requests in flight on a replica that is sent a number of them a second: Little's law, solved for a latency that grows with
-- the requests in flight, along the line from one request alone to as many as the replica carries. At most that many.
-- Units: requests; requests/s of one replica; ms of a request alone and at capacity; requests.
-- Source: Little's law, L = rate x latency(L); latency is convex in L, so the line errs towards more requests.
-- Example: requests_in_flight(2, 1000, 1000, 8) = 2
-- Example: requests_in_flight(2, 1000, 3000, 9) = 3
-- Example: requests_in_flight(100, 1000, 3000, 9) = 9
-- Example: requests_in_flight(2, 1000, 1000, 1) = 1
create or replace macro requests_in_flight(requests_per_s, single_latency_ms, capacity_latency_ms, capacity) as
    case
        when requests_per_s * (capacity_latency_ms - single_latency_ms) >= 1000e0 * (capacity - 1) then capacity::double
        else least(
            capacity::double,
            requests_per_s * (single_latency_ms - (capacity_latency_ms - single_latency_ms) / greatest(capacity - 1, 1)::double)
            / (1000 - requests_per_s * (capacity_latency_ms - single_latency_ms) / greatest(capacity - 1, 1)::double)
        )
    end;
