-- How a start ends: refused before loading, out of memory while loading or profiling, KV cache too small for one request of the
-- context, out of memory when graphs outside the budget are captured, or started.
-- Units: GiB of one GPU.
-- Source: the four ways in which vLLM fails to start; the activation peak is free again when graphs are captured (RX 9070 XT:
-- 11.94 GiB allowed, 1.40 of activations and 4.08 of graphs started on 15.92).
-- Example: fit_outcome('no', 80, 72, 10, 2, 60, 5, 1, 0) = 'refused'
-- Example: fit_outcome(null, 80, 72, 79, 2, 60, 5, 1, 0) = 'oom'
-- Example: fit_outcome(null, 80, 72, 70, 2, -1, 5, 1, 0) = 'kv_too_small'
-- Example: fit_outcome(null, 80, 79.5e0, 10, 0.4e0, 60, 5, 1, 0) = 'oom_after_kv'
-- Example: fit_outcome(null, 80, 79.5e0, 10, 2, 60, 5, 1, 1) = 'started'
create or replace macro fit_outcome(
    refusal, reported_gib, allowed_gib, weights, activation, pool_gib, needed_gib, cuda_graphs, graphs_in_budget
) as
    case
        when refusal is not null then 'refused'
        when weights + activation > reported_gib then 'oom'
        when pool_gib < needed_gib or pool_gib <= 0 then 'kv_too_small'
        when graphs_in_budget = 0 and allowed_gib - activation + cuda_graphs > reported_gib then 'oom_after_kv'
        else 'started'
    end;
