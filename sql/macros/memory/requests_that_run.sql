-- Requests of one load that a KV pool carries at once. Each holds its prompt and as much of its answer as is written: half of
-- it on average, all of it at its end. They are at unlike stages of their answers, so together they hold their mean and waver
-- about it; two standard deviations are kept free, or the peak of every request where that is less, so that none is evicted
-- (preempted) but rarely.
-- Units: requests; bytes of the pool, and of one request at the mean and at the peak of its answer.
-- Source: vLLM allocates blocks as a request grows and preempts where none is left (V1 scheduler); stages of answers taken as
-- uniform, so that one request deviates by (peak - mean) / sqrt(3).
-- Example: requests_that_run(1000, 100, 100) = 10
-- Example: requests_that_run(1000, 100, 150) = 8
-- Example: requests_that_run(250, 100, 150) = 1
-- Example: requests_that_run(100000, 100, 150) = 981
-- Example: requests_that_run(-5, 100, 150) = 0
create or replace macro requests_that_run(pool_bytes, mean_bytes, peak_bytes) as
    greatest(
        floor(greatest(0, pool_bytes) / peak_bytes::double),
        floor(
            pow(
                (
                    sqrt(pow(2 * (peak_bytes - mean_bytes) / sqrt(3), 2) + 4e0 * mean_bytes * greatest(0, pool_bytes))
                    - 2 * (peak_bytes - mean_bytes) / sqrt(3)
                ) / (2e0 * mean_bytes),
                2
            )
        )
    )::bigint;
