-- The one row of coefficients that hold for every accelerator.
create or replace view speed_settings as
select
    max(value) filter (where scope = 'global' and name = 'e_kv') as kv_efficiency,
    max(value) filter (where scope = 'global' and name = 'e_dec') as decode_efficiency,
    max(value) filter (where scope = 'global' and name = 'e_attn') as attention_efficiency,
    max(value) filter (where scope = 'global' and name = 'c_moe') as moe_efficiency,
    max(value) filter (where scope = 'global' and name = 't_layer_us') as layer_us,
    max(value) filter (where scope = 'global' and name = 't_moe_layer_us') as moe_layer_us,
    max(value) filter (where scope = 'global' and name = 't_linear_layer_us') as linear_layer_us,
    max(value) filter (where scope = 'global' and name = 't_mla_layer_us') as mla_layer_us,
    max(value) filter (where scope = 'global' and name = 't_index_layer_us') as index_layer_us,
    max(value) filter (where scope = 'global' and name = 't_request_us') as request_us,
    max(value) filter (where scope = 'global' and name = 'narrow_width') as narrow_expert_width,
    max(value) filter (where scope = 'global' and name = 'activation_passes') as activation_passes,
    max(value) filter (where scope = 'global' and name = 'float32_rate_share') as float32_rate_share,
    max(value) filter (where scope = 'comm' and key = 'nvlink' and name = 'alpha_us') as nvlink_alpha_us,
    max(value) filter (where scope = 'comm' and key = 'nvlink' and name = 'e_link') as nvlink_efficiency,
    max(value) filter (where scope = 'comm' and key = 'pcie' and name = 'alpha_us') as pcie_alpha_us,
    max(value) filter (where scope = 'comm' and key = 'all_to_all' and name = 't_layer_us') as all_to_all_us,
    max(value) filter (where scope = 'comm' and key = 'network' and name = 'alpha_us') as network_alpha_us,
    max(value) filter (where scope = 'comm' and key = 'network' and name = 'e_link') as network_efficiency,
    max(value) filter (where scope = 'ttft' and key = 'unloaded' and name = 't0_ms') as idle_t0_ms,
    max(value) filter (where scope = 'ttft' and name = 'k_steps') as loaded_steps,
    max(value) filter (where scope = 'ttft' and name = 'gamma') as gamma
from speed_coefficients;
