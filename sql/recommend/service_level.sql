-- The one row of the default service level for requests of $input_tokens prompt tokens: bounds on the times, in ms.
select
    slo_ttft_ms + slo_ttft_ms_per_input_token * $input_tokens as slo_ttft_ms,
    slo_tpot_ms
from main.policy_settings;
