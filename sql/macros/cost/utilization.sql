-- Share of what some deployments hold at once that a number of concurrent requests takes up; all of it where no number is stated.
-- Units: none; requests; deployments; requests that one replica holds at once; replicas of a deployment.
-- Source: definition.
-- Example: utilization(60, 3, 24, 1) = 60 / 72
-- Example: utilization(null, 1, 24, 1) = 1
create or replace macro utilization(users, deployments, batch_per_replica, dp) as
    coalesce(users / nullif(deployments * batch_per_replica * dp, 0)::double, 1);
