-- Requests in flight at once that are seldom exceeded, where they arrive at random and their mean number is known: the mean and
-- some standard deviations of a Poisson count (1.645 are exceeded in one moment of 20, 0 in every second).
-- Units: requests; standard deviations.
-- Source: requests in flight of independent arrivals are Poisson, whatever the distribution of their times (M/G/infinity).
-- Example: requests_at_peak(100, 1.645e0) = 116.45
-- Example: requests_at_peak(100, 0) = 100
create or replace macro requests_at_peak(mean_requests, deviations) as
    mean_requests + deviations * sqrt(mean_requests);
