-- Cost of a thousand requests that are answered at a rate.
-- Units: USD; USD per hour of all deployments; requests/s of all deployments.
-- Source: definition.
-- Example: usd_per_1000_requests(36, 10) = 1
create or replace macro usd_per_1000_requests(usd_per_hour, requests_per_s) as
    usd_per_hour / nullif(requests_per_s * 3600, 0) * 1000;
