"""Tables and views of the published database that its macros and views read; a reader has no need of them."""

from __future__ import annotations

from transforms.tables.catalog_tables import GPU_COLUMNS
from transforms.tables.table import table

FORMULAS = (
    table(
        "hardware",
        "one kind of machine: shapes with the same accelerators, memory and links, whatever their provider and price",
        "hardware gpu gpu_count reported_memory_gib interconnect_kind link_gb_per_s? network_gb_per_s?",
        "hardware",
    ),
    table(
        "hardware_shapes",
        "one recommendable shape and the kind of machine that it is",
        "provider shape hardware is_scaled_out",
        "provider shape",
    ),
    table(
        "hardware_layouts",
        "one way to spread an engine over machines of one kind",
        "hardware nodes tp pp dp ep",
        "hardware nodes tp pp dp ep",
    ),
    table(
        "replica_classes",
        "one replica's place, which layouts of many kinds of machines share",
        """replica_class gpu reported_memory_gib card_share interconnect_kind link_gb_per_s? network_gb_per_s? nodes tp pp
        ep""",
        "replica_class",
    ),
    table(
        "deployment_classes",
        "one layout of one kind of machine and the replica that it copies",
        "hardware nodes tp pp dp ep replica_class",
        "hardware nodes tp pp dp ep",
    ),
    table(
        "offers",
        "one recommendable shape with its kind of machine and its prices for one machine",
        """provider shape hardware is_scaled_out gpu gpu_count usd_per_hour? spot_usd_per_hour? price_region? price_as_of?
        price_stale? is_cheapest? is_cheapest_scaled_out?""",
        "provider shape",
    ),
    table(
        "shape_hardware",
        "one shape as the estimates see it: memory that the engine is told of, links, and why it is never recommended",
        """provider shape gpu gpu_count? reported_memory_gib? interconnect_kind? link_gb_per_s? network_gb_per_s?
        not_recommended_reason?""",
        "provider shape",
        is_view=True,
    ),
    table(
        "kv_profiles",
        "one architecture with its layer groups as columns: what its layers cache and what their attention computes",
        """architecture_key full_layers full_divided_bytes full_copied_bytes index_bytes full_kv_heads? window_1_layers
        window_1_tokens? window_1_bytes window_2_layers window_2_tokens? window_2_bytes window_kv_heads? state_layers
        state_bytes_per_layer state_bytes full_decode_flops window_1_decode_flops window_2_decode_flops full_prefill_flops
        window_1_prefill_flops window_2_prefill_flops""",
        "architecture_key",
        is_view=True,
    ),
    table(
        "grid_loads",
        "one architecture at one context of the grid, with its stated default load",
        "architecture_key context input_tokens output_tokens",
        "architecture_key context",
        is_view=True,
    ),
    table(
        "grid_quantizations",
        "one architecture at one weight precision of the nightly grid",
        "architecture_key quantization",
        "architecture_key quantization",
        is_view=True,
    ),
    table(
        "engine_settings",
        "one engine over one range of its releases: every setting of the engines catalog as a column",
        """engine engine_version is_newest gpu_memory_utilization block_tokens large_card_gib large_card_max_num_seqs
        other_card_max_num_seqs large_card_max_num_batched_tokens other_card_max_num_batched_tokens
        sampler_bytes_per_sequence_and_token forward_intermediate_factor forward_hidden_factor expert_workspace_factor
        nvfp4_expert_workspace_factor mxfp4_expert_width_multiple mxfp4_hidden_multiple vision_activation_gib
        mla_moe_activation_gib mla_moe_activation_min_tp single_non_torch_gib nvlink_non_torch_gib
        nvlink_blackwell_non_torch_gib pcie_non_torch_gib amd_non_torch_gib unified_non_torch_gib cuda_graphs_gib_per_layer
        mla_cuda_graphs_gib_per_layer amd_cuda_graphs_gib cuda_graphs_in_budget windowed_layers_charged_in_full
        layer_group_tolerance tokens_divided_by_layer_groups one_shot_prefill_tokens experts_split_within_tp?
        utilization_of_free_memory? amd_moe_weights_factor dense_band_gib moe_band_gib vision_band_gib amd_band_gib
        other_vendor_band_gib unified_band_gib nvidia_min_capability nvidia_bf16_min_capability encoder_image_tokens?
        encoder_most_tokens? encoder_bytes_per_token? encoder_copied_share? supported_targets? unified_cards?
        small_defaults_cards? checkpoint_methods? missing_precisions? precision_min_capability?
        sparse_attention_capabilities? float16_refused_types?""",
        "engine engine_version",
        is_view=True,
    ),
    table(
        "policy_settings",
        "the settings of the default policy",
        """slo_tpot_ms slo_ttft_ms slo_ttft_ms_per_input_token output_share max_nodes max_tp max_pp_in_node direct_links
        tower_copied_share stale_price_days hours_per_month peak_deviations slo_holds_high_ends""",
        "",
        is_view=True,
    ),
    table(
        "gpu_speeds",
        "one accelerator as the speed formulas see it: peak rates, efficiencies, and what these rest on",
        f"""{GPU_COLUMNS} memory_efficiency prefill_efficiency overhead_factor pcie_efficiency pcie_tp_exponent pcie_is_known
        plain_tflops? calibration""",
        "gpu",
        is_view=True,
    ),
    table(
        "engine_speeds",
        "one engine: its overheads, and how requests wait for each other in it",
        "engine engine_factor phi moe_phi_factor loaded_t0_ms kappa",
        "engine",
        is_view=True,
    ),
    table(
        "precision_speeds",
        "one speed class of weight precisions and what its kernels reach",
        "speed_class read_efficiency arithmetic_efficiency expert_read_efficiency expert_arithmetic_efficiency",
        "speed_class",
        is_view=True,
    ),
    table(
        "speed_settings",
        "the speed coefficients that hold for every accelerator",
        """kv_efficiency decode_efficiency attention_efficiency moe_efficiency layer_us moe_layer_us linear_layer_us mla_layer_us
        index_layer_us request_us narrow_expert_width activation_passes float32_rate_share nvlink_alpha_us nvlink_efficiency
        pcie_alpha_us all_to_all_us network_alpha_us network_efficiency idle_t0_ms loaded_steps gamma""",
        "",
        is_view=True,
    ),
)
