-- The one row of settings of the default policy, with the question's own bounds on the times where it states any: the best batch of an
-- estimate is then the best within those. Shadows the view of the same name on this connection.
create or replace temp table policy_settings as
select settings.* replace (
    coalesce($max_tpot_ms, settings.slo_tpot_ms) as slo_tpot_ms,
    coalesce($max_ttft_ms, settings.slo_ttft_ms) as slo_ttft_ms,
    if($max_ttft_ms is null, settings.slo_ttft_ms_per_input_token, 0) as slo_ttft_ms_per_input_token
)
from main.policy_settings as settings;
