-- What is left for KV cache and state on one GPU.
-- Units: GiB; graphs_in_budget is 1 where the engine subtracts its estimate of the graphs, else 0.
-- Source: closes within 0.06 GiB on logs that print all terms.
-- Example: kv_pool_gib(75.23e0, 14.25e0, 2.21e0, 0.24e0, 0.87e0, 0) = 58.53
-- Example: kv_pool_gib(75.23e0, 14.25e0, 2.21e0, 0.24e0, 1, 1) = 57.53
create or replace macro kv_pool_gib(allowed_gib, weights, activation, non_torch, cuda_graphs, graphs_in_budget) as
    allowed_gib - weights - activation - non_torch - cuda_graphs * graphs_in_budget;
