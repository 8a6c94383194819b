-- The one row of the workload $workload: tokens of a request, the share found in the prefix cache, and the times its user
-- expects.
select
    input_tokens,
    output_tokens,
    cached_share,
    target_ttft_ms,
    target_tpot_ms
from workloads
where workload = $workload;
