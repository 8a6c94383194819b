-- The fewest deployments that are sent a number of requests a second together and hold what is in flight at peaks
-- (requests_at_peak), each replica no more than its capacity. Fewer than a lone request's latency asks for never do, as many as
-- the latency at capacity asks for always do; between the two the requests in flight decide (requests_in_flight), and that they
-- are answered as fast as they come.
-- Units: deployments; requests/s of all; ms of a request alone and at capacity; requests of a replica; replicas of a
-- deployment; standard deviations.
-- Source: Little's law and Poisson arrivals, for a router that sends each request to the replica with the fewest;
-- tests/benchmarks/queueing_simulation.py compares it with a simulation request by request.
-- Example: deployments_for_rate(10, 1000, 1000, 10, 1, 0) = 1
-- Example: deployments_for_rate(10, 1000, 1000, 10, 1, 1.645e0) = 2
-- Example: deployments_for_rate(30, 1000, 3000, 10, 1, 0) = 9
-- Example: deployments_for_rate(30, 1000, 1000, 10, 2, 0) = 2
create or replace macro deployments_for_rate(requests_per_s, single_latency_ms, capacity_latency_ms, capacity, dp, deviations) as
    list_min(
        list_filter(
            range(
                ceil(requests_at_peak(requests_per_s * single_latency_ms / 1000, deviations) / (capacity * dp)::double)::bigint,
                1 + ceil(
                    requests_at_peak(requests_per_s * capacity_latency_ms / 1000, deviations) / (capacity * dp)::double
                )::bigint
            ),
            lambda deployments: deployments >= 1
            and requests_per_s * capacity_latency_ms <= 1000e0 * deployments * dp * capacity
            and requests_at_peak(
                deployments * dp * requests_in_flight(
                    requests_per_s / (deployments * dp)::double, single_latency_ms, capacity_latency_ms, capacity
                ),
                deviations
            ) <= deployments * dp * capacity
        )
    );
