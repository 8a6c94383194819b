-- A row is one engine over one range of its releases: every setting of the engines catalog as a column. A range begins wherever a
-- setting of the engine begins or ends; settings that depend on a class (card size, link, vendor, kind of model) carry its name.
-- The newest range of an engine is its default.
create or replace view engine_settings as
with

ranges as (
    select
        engine,
        version_from as engine_version
    from engines
    union
    select
        engine,
        version_below as engine_version
    from engines
    where version_below is not null
),

settings as (
    select
        ranges.engine,
        ranges.engine_version,
        engines.scope,
        engines.key,
        engines.value
    from ranges
    join engines
        on engines.engine = ranges.engine
        and setting_holds(engines.version_from, engines.version_below, ranges.engine_version)
),

pivoted as (
    select
        engine,
        engine_version,
        max(string_split(engine_version, '.')::integer[])
            = max(max(string_split(engine_version, '.')::integer[])) over (partition by engine)
            as is_newest,
        max(value) filter (where scope = 'all' and key = 'gpu_memory_utilization') as gpu_memory_utilization,
        max(value) filter (where scope = 'all' and key = 'block_tokens') as block_tokens,
        max(value) filter (where scope = 'all' and key = 'large_card_gib') as large_card_gib,
        max(value) filter (where scope = 'large_card' and key = 'max_num_seqs') as large_card_max_num_seqs,
        max(value) filter (where scope = 'other_card' and key = 'max_num_seqs') as other_card_max_num_seqs,
        max(value) filter (where scope = 'large_card' and key = 'max_num_batched_tokens') as large_card_max_num_batched_tokens,
        max(value) filter (where scope = 'other_card' and key = 'max_num_batched_tokens') as other_card_max_num_batched_tokens,
        max(value) filter (where scope = 'all' and key = 'sampler_bytes_per_sequence_and_token')
            as sampler_bytes_per_sequence_and_token,
        max(value) filter (where scope = 'all' and key = 'forward_intermediate_factor') as forward_intermediate_factor,
        max(value) filter (where scope = 'all' and key = 'forward_hidden_factor') as forward_hidden_factor,
        max(value) filter (where scope = 'moe' and key = 'expert_workspace_factor') as expert_workspace_factor,
        max(value) filter (where scope = 'nvfp4_moe' and key = 'expert_workspace_factor') as nvfp4_expert_workspace_factor,
        max(value) filter (where scope = 'mxfp4' and key = 'expert_width_multiple') as mxfp4_expert_width_multiple,
        max(value) filter (where scope = 'mxfp4' and key = 'hidden_multiple') as mxfp4_hidden_multiple,
        max(value) filter (where scope = 'vision' and key = 'activation_gib') as vision_activation_gib,
        max(value) filter (where scope = 'mla_moe' and key = 'activation_gib') as mla_moe_activation_gib,
        max(value) filter (where scope = 'mla_moe' and key = 'activation_min_tp') as mla_moe_activation_min_tp,
        max(value) filter (where scope = 'single' and key = 'non_torch_gib') as single_non_torch_gib,
        max(value) filter (where scope = 'nvlink' and key = 'non_torch_gib') as nvlink_non_torch_gib,
        max(value) filter (where scope = 'nvlink_blackwell' and key = 'non_torch_gib') as nvlink_blackwell_non_torch_gib,
        max(value) filter (where scope = 'pcie' and key = 'non_torch_gib') as pcie_non_torch_gib,
        max(value) filter (where scope = 'amd' and key = 'non_torch_gib') as amd_non_torch_gib,
        max(value) filter (where scope = 'unified' and key = 'non_torch_gib') as unified_non_torch_gib,
        max(value) filter (where scope = 'nvidia' and key = 'cuda_graphs_gib_per_layer') as cuda_graphs_gib_per_layer,
        max(value) filter (where scope = 'mla' and key = 'cuda_graphs_gib_per_layer') as mla_cuda_graphs_gib_per_layer,
        max(value) filter (where scope = 'amd' and key = 'cuda_graphs_gib') as amd_cuda_graphs_gib,
        max(value) filter (where scope = 'all' and key = 'cuda_graphs_in_budget') as cuda_graphs_in_budget,
        max(value) filter (where scope = 'all' and key = 'windowed_layers_charged_in_full') as windowed_layers_charged_in_full,
        max(value) filter (where scope = 'all' and key = 'layer_group_tolerance') as layer_group_tolerance,
        max(value) filter (where scope = 'all' and key = 'tokens_divided_by_layer_groups') as tokens_divided_by_layer_groups,
        max(value) filter (where scope = 'all' and key = 'one_shot_prefill_tokens') as one_shot_prefill_tokens,
        max(value) filter (where scope = 'moe' and key = 'experts_split_within_tp') as experts_split_within_tp,
        max(value) filter (where scope = 'all' and key = 'utilization_of_free_memory') as utilization_of_free_memory,
        max(value) filter (where scope = 'amd' and key = 'moe_weights_factor') as amd_moe_weights_factor,
        max(value) filter (where scope = 'dense' and key = 'band_gib') as dense_band_gib,
        max(value) filter (where scope = 'moe' and key = 'band_gib') as moe_band_gib,
        max(value) filter (where scope = 'vision' and key = 'band_gib') as vision_band_gib,
        max(value) filter (where scope = 'amd' and key = 'band_gib') as amd_band_gib,
        max(value) filter (where scope = 'other_vendor' and key = 'band_gib') as other_vendor_band_gib,
        max(value) filter (where scope = 'unified' and key = 'band_gib') as unified_band_gib,
        max(value) filter (where scope = 'nvidia' and key = 'min_capability') as nvidia_min_capability,
        max(value) filter (where scope = 'nvidia' and key = 'bf16_min_capability') as nvidia_bf16_min_capability,
        map_from_entries(list({'key': scope, 'value': value}) filter (where key = 'encoder_image_tokens'))
            as encoder_image_tokens,
        map_from_entries(list({'key': scope, 'value': value}) filter (where key = 'encoder_most_tokens')) as encoder_most_tokens,
        map_from_entries(list({'key': scope, 'value': value}) filter (where key = 'encoder_bytes_per_token'))
            as encoder_bytes_per_token,
        max(value) filter (where scope = 'all' and key = 'encoder_copied_share') as encoder_copied_share,
        list(scope) filter (where key = 'supported') as supported_targets,
        list(scope) filter (where key = 'unified_memory' and value = 1) as unified_cards,
        list(scope) filter (where key = 'small_defaults' and value = 1) as small_defaults_cards,
        list(scope) filter (where key = 'quantization_method' and value = 1) as checkpoint_methods,
        list(scope) filter (where key = 'precision_missing' and value = 1) as missing_precisions,
        map_from_entries(list({'key': scope, 'value': value}) filter (where key = 'precision_min_capability'))
            as precision_min_capability,
        list(scope) filter (where key = 'sparse_attention' and value = 1) as sparse_attention_capabilities,
        list(scope) filter (where key = 'float16_refused' and value = 1) as float16_refused_types
    from settings
    group by engine, engine_version
)

from pivoted;
