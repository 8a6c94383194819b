-- Cost of an hour of one user who always has a request in flight; null where no user is served within the bounds.
-- Units: USD; USD per hour of the deployment; requests in flight that the deployment carries.
-- Source: definition.
-- Example: usd_per_user_hour(36, 90) = 0.4e0
-- Example: usd_per_user_hour(36, 0) is null
create or replace macro usd_per_user_hour(usd_per_hour, users) as
    usd_per_hour / nullif(users, 0);
