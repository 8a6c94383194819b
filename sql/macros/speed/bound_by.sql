-- The dominant term of a loaded step; on ties the first.
-- Units: ms of each term.
-- Source: roofline.
-- Example: bound_by(5, 1, 0.5e0, 0.1e0, 2) = 'memory_bandwidth'
-- Example: bound_by(0, 6, 0.5e0, 0.1e0, 2) = 'compute'
-- Example: bound_by(0, 1, 0.5e0, 0.1e0, 2) = 'overhead'
-- Example: bound_by(0, 1, 2.5e0, 0.1e0, 2) = 'kv_traffic'
-- Example: bound_by(0, 1, 0.5e0, 3, 2) = 'communication'
create or replace macro bound_by(memory_ms, compute_ms, kv_ms, communication_ms, overhead_ms) as
    case
        when memory_ms >= compute_ms and memory_ms >= kv_ms and memory_ms >= communication_ms and memory_ms >= overhead_ms
            then 'memory_bandwidth'
        when compute_ms >= kv_ms and compute_ms >= communication_ms and compute_ms >= overhead_ms then 'compute'
        when kv_ms >= communication_ms and kv_ms >= overhead_ms then 'kv_traffic'
        when communication_ms >= overhead_ms then 'communication'
        else 'overhead'
    end;
