-- The one row of settings of the default policy. slo_holds_high_ends: whether bounds on the times are held by the high end of
-- an estimate's interval rather than by its middle.
create or replace view policy_settings as
select
    max(value) filter (where key = 'slo_tpot_ms') as slo_tpot_ms,
    max(value) filter (where key = 'slo_ttft_ms') as slo_ttft_ms,
    max(value) filter (where key = 'slo_ttft_ms_per_input_token') as slo_ttft_ms_per_input_token,
    max(value) filter (where key = 'output_share') as output_share,
    max(value) filter (where key = 'max_nodes')::integer as max_nodes,
    max(value) filter (where key = 'max_tp')::integer as max_tp,
    max(value) filter (where key = 'max_pp_in_node')::integer as max_pp_in_node,
    list(replace(key, '_is_direct', '')) filter (where ends_with(key, '_is_direct') and value = 1) as direct_links,
    max(value) filter (where key = 'tower_copied_share') as tower_copied_share,
    max(value) filter (where key = 'stale_price_days')::integer as stale_price_days,
    max(value) filter (where key = 'hours_per_month') as hours_per_month,
    max(value) filter (where key = 'peak_deviations') as peak_deviations,
    false as slo_holds_high_ends
from policies
where policy = 'vllm';
