-- The one row of settings of the default policy, with the question's own bounds on the times where it states any, and then no
-- others: the best batch of an estimate is the best within those. Shadows the view of the same name on this connection.
create or replace temp table policy_settings as
select
    settings.* replace (
        if($max_tpot_ms is null and $max_ttft_ms is null, settings.slo_tpot_ms, coalesce($max_tpot_ms, 'infinity'::double))
            as slo_tpot_ms,
        if($max_tpot_ms is null and $max_ttft_ms is null, settings.slo_ttft_ms, coalesce($max_ttft_ms, 'infinity'::double))
            as slo_ttft_ms,
        if($max_tpot_ms is null and $max_ttft_ms is null, settings.slo_ttft_ms_per_input_token, 0) as slo_ttft_ms_per_input_token,
        $percentile > 50 as slo_holds_high_ends
    )
from main.policy_settings as settings;
