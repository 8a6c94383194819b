-- Deployments of one kind that carry a number of concurrent requests; one where no number is stated.
-- Units: deployments; requests; requests that one replica holds at once; replicas of a deployment.
-- Source: definition; half a deployment cannot be rented.
-- Example: deployments_needed(64, 24, 1) = 3
-- Example: deployments_needed(64, 24, 4) = 1
-- Example: deployments_needed(null, 24, 1) = 1
create or replace macro deployments_needed(users, batch_per_replica, dp) as
    coalesce(ceil(users / nullif(batch_per_replica * dp, 0)::double), 1)::bigint;
