-- Second stage of an estimate: the shard on a card of an engine, whatever the load. Takes the name of a table with the columns of
-- `sharded` and of a configuration (gpu, reported_memory_gib, interconnect_kind, link_gb_per_s, network_gb_per_s, nodes,
-- gpu_count, gpu_memory_utilization, max_num_seqs, max_num_batched_tokens, enforce_eager, engine, engine_version) and adds what
-- the engine allows, what the GPU holds besides the KV cache, the pool that is left, and the times that a step is made of.
-- A fractional accelerator (gpu_count below 1) has that share of the bandwidth and of the rates.
create or replace macro sized(shards) as table
with

asked_shards as (
    from query_table(shards)
),

equipped as (
    select
        asked_shards.* exclude (
            gpu_memory_utilization, max_num_seqs, max_num_batched_tokens, enforce_eager, engine, engine_version, link_gb_per_s
        ),
        settings.* exclude (gpu_memory_utilization, encoder_image_tokens, encoder_most_tokens, encoder_bytes_per_token),
        speeds.*,
        engine_speeds.* exclude (engine, phi, moe_phi_factor),
        engine_speeds.phi * if(moe_layers > 0, engine_speeds.moe_phi_factor, 1) as phi,
        quantized.read_efficiency as quantized_read_efficiency,
        quantized.arithmetic_efficiency as quantized_arithmetic_efficiency,
        quantized.expert_read_efficiency as quantized_expert_read_efficiency,
        quantized.expert_arithmetic_efficiency as quantized_expert_arithmetic_efficiency,
        weight_only.arithmetic_efficiency as weight_only_arithmetic_efficiency,
        native_fp4.read_efficiency as fp4_read_efficiency,
        native_fp4.arithmetic_efficiency as fp4_arithmetic_efficiency,
        native_fp4.expert_read_efficiency as fp4_expert_read_efficiency,
        native_fp4.expert_arithmetic_efficiency as fp4_expert_arithmetic_efficiency,
        plain.read_efficiency as plain_read_efficiency,
        plain.arithmetic_efficiency as plain_arithmetic_efficiency,
        cards.vendor,
        cards.capability,
        cards.compute_capability,
        cards.fp8_tflops,
        cards.int8_tops,
        cards.fp4_tflops,
        cards.plain_tflops as plain_16_bit_tflops,
        cards.memory_bandwidth_gb_per_s,
        cards.memory_efficiency,
        cards.prefill_efficiency,
        cards.overhead_factor as card_overhead_factor,
        cards.pcie_efficiency,
        cards.pcie_tp_exponent,
        cards.pcie_is_known,
        cards.calibration as card_calibration,
        coalesce(asked_shards.enforce_eager, false) as enforce_eager,
        coalesce(asked_shards.gpu_memory_utilization, settings.gpu_memory_utilization) as gpu_memory_utilization,
        coalesce(list_contains(settings.unified_cards, asked_shards.gpu), false) as is_unified,
        settings.encoder_image_tokens[asked_shards.architecture_class] as encoder_image_tokens,
        settings.encoder_most_tokens[asked_shards.architecture_class] as encoder_most_tokens,
        settings.encoder_bytes_per_token[asked_shards.architecture_class] as encoder_bytes_per_token,
        takes_large_defaults(
            asked_shards.reported_memory_gib,
            settings.large_card_gib,
            coalesce(list_contains(settings.unified_cards, asked_shards.gpu), false),
            coalesce(list_contains(settings.small_defaults_cards, asked_shards.gpu), false)
        ) as is_large_card,
        if(ep > 1, 1e0, 1e0 / tp) * moe_intermediate_size as expert_width,
        asked_shards.max_num_seqs as asked_num_seqs,
        asked_shards.max_num_batched_tokens as asked_batched_tokens,
        coalesce(asked_shards.link_gb_per_s, if(interconnect_kind = 'pcie', cards.pcie_gb_per_s, cards.link_gb_per_s))
            as link_gb_per_s,
        least(1e0, asked_shards.gpu_count) as card_share,
        interconnect_kind is not distinct from 'pcie' as is_pcie
    from asked_shards
    join engine_settings as settings
        on settings.engine = coalesce(asked_shards.engine, 'vllm')
        and case
            when asked_shards.engine_version is null then settings.is_newest
            else settings.engine_version = asked_shards.engine_version
        end
    cross join speed_settings as speeds
    left join engine_speeds on engine_speeds.engine = coalesce(asked_shards.engine, 'vllm')
    left join gpu_speeds as cards using (gpu)
    left join precision_speeds as quantized on quantized.speed_class = asked_shards.speed_class
    left join precision_speeds as weight_only on weight_only.speed_class = 'w4a16'
    left join precision_speeds as native_fp4 on native_fp4.speed_class = 'nvfp4'
    left join precision_speeds as plain on plain.speed_class = '16bit'
),

-- Below the capability that has bfloat16 a model type that is refused in float16 is served in float32: twice the bytes of what is
-- not quantized, and the arithmetic of float32.
valued as (
    select
        equipped.*,
        coalesce(
            vendor = 'NVIDIA' and capability < nvidia_bf16_min_capability and list_contains(float16_refused_types, model_type),
            false
        ) as serves_float32,
        if(serves_float32, 2, 1) as value_factor,
        plain_16_bit_tflops * if(serves_float32, float32_rate_share, 1) as plain_tflops
    from equipped
),

stated as (
    select
        valued.* replace (
            gpu_weights_bytes + (value_factor - 1) * (
                gpu_weights_bytes
                - if(dense_is_quantized, dense_linear_bytes / tp * largest_stage_layers(layers, pp) / layers, 0)
            ) as gpu_weights_bytes,
            dense_bytes + (value_factor - 1) * (dense_bytes - if(dense_is_quantized, dense_linear_bytes, 0)) as dense_bytes,
            if(dense_is_quantized, 1, value_factor) * dense_linear_bytes as dense_linear_bytes,
            value_factor * head_bytes as head_bytes,
            value_factor * full_divided_bytes as full_divided_bytes,
            value_factor * full_copied_bytes as full_copied_bytes,
            value_factor * window_1_bytes as window_1_bytes,
            value_factor * window_2_bytes as window_2_bytes,
            value_factor * state_bytes_per_layer as state_bytes_per_layer,
            value_factor * state_bytes as state_bytes,
            value_factor * forward_intermediate_factor as forward_intermediate_factor,
            value_factor * forward_hidden_factor as forward_hidden_factor
        )
    from valued
),

limited as (
    select
        *,
        coalesce(asked_num_seqs, if(is_large_card, large_card_max_num_seqs, other_card_max_num_seqs))::integer as max_num_seqs,
        coalesce(
            asked_batched_tokens,
            if(is_large_card, large_card_max_num_batched_tokens, other_card_max_num_batched_tokens)
        )::integer as max_num_batched_tokens,
        coalesce(
            layout_refusal,
            hardware_refusal(
                vendor, capability, nvidia_min_capability,
                coalesce(list_contains(supported_targets, compute_capability), false),
                precision,
                greatest(
                    min_capability, precision_min_capability[precision],
                    precision_min_capability[concat_ws(' ', checkpoint_method, precision)]
                ),
                max_capability, amd_supported, arithmetic, fp8_tflops is not null
            ),
            engine_refusal(
                engine, checkpoint_method, checkpoint_methods, precision, missing_precisions, vendor, capability,
                index_bytes > 0, sparse_attention_capabilities, model_type, serves_float32
            ),
            if(reported_memory_gib is null, 'the memory of the accelerator is not known', null)
        ) as refusal,
        case
            when arithmetic = 'fp8' and fp8_tflops is not null then fp8_tflops
            when arithmetic = 'int8' and int8_tops is not null then int8_tops
            when arithmetic = 'fp4' and fp4_tflops is not null then fp4_tflops
            else plain_tflops
        end as quantized_tflops,
        case
            when arithmetic = 'fp4' and fp4_tflops is not null then fp4_arithmetic_efficiency
            when arithmetic = 'fp8' and fp8_tflops is not null or arithmetic = 'int8' and int8_tops is not null
                then quantized_arithmetic_efficiency
            else weight_only_arithmetic_efficiency
        end as quantized_rate_efficiency,
        case
            when arithmetic = 'fp4' and fp4_tflops is not null then fp4_expert_arithmetic_efficiency
            when arithmetic = 'fp8' and fp8_tflops is not null or arithmetic = 'int8' and int8_tops is not null
                then quantized_expert_arithmetic_efficiency
            else weight_only_arithmetic_efficiency
        end as quantized_expert_rate_efficiency,
        if(arithmetic = 'fp4' and fp4_tflops is not null, fp4_read_efficiency, quantized_read_efficiency) as quantized_reach,
        if(arithmetic = 'fp4' and fp4_tflops is not null, fp4_expert_read_efficiency, quantized_expert_read_efficiency)
            as quantized_expert_reach,
        memory_bandwidth_gb_per_s * card_share as bandwidth,
        gpu_weights_bytes / 1024 ^ 3
            + if(
                precision = 'mxfp4' and moe_layers > 0,
                (padded_share(expert_width, hidden_size, mxfp4_expert_width_multiple, mxfp4_hidden_multiple) - 1)
                    * gpu_expert_bytes / 1024 ^ 3,
                0
            )
            + if(vendor = 'AMD', (amd_moe_weights_factor - 1) * gpu_expert_bytes / 1024 ^ 3, 0) as weights_gib_per_gpu
    from stated
),

profiled as (
    select
        *,
        activation_gib(
            sampler_bytes(sampler_bytes_per_sequence_and_token, max_num_seqs, vocab_size),
            forward_bytes(
                max_num_batched_tokens, intermediate_size, hidden_size, tp, forward_intermediate_factor, forward_hidden_factor
            ),
            if(
                moe_layers > 0,
                if(
                    precision = 'nvfp4' and fp4_tflops is not null, nvfp4_expert_workspace_factor, expert_workspace_factor
                ) * expert_workspace_bytes(max_num_batched_tokens, experts_per_token, hidden_size, expert_width) / 1024 ^ 3,
                0
            )
                + if(parameters_vision_audio > 0, vision_activation_gib, 0)
                + if(moe_layers > 0 and mla_layers > 0 and tp >= mla_moe_activation_min_tp, mla_moe_activation_gib, 0)
        ) as activation_gib_per_gpu,
        greatest(
            0,
            sampler_bytes(sampler_bytes_per_sequence_and_token, max_num_seqs, vocab_size)
                - forward_bytes(
                    max_num_batched_tokens, intermediate_size, hidden_size, tp, forward_intermediate_factor, forward_hidden_factor
                )
        ) / 1024 ^ 3 as sampler_gib_per_gpu,
        if(
            precision = 'bf16' and not serves_float32,
            2 * (dense_linear_parameters / tp::double + parameters_routed_experts / expert_gpus::double)
                * largest_stage_layers(layers, pp) / layers / 1024 ^ 3,
            0
        ) as linear_gib_per_gpu,
        if(tp * pp = 1, greatest(0, if(is_pcie, pcie_non_torch_gib, nvlink_non_torch_gib) - single_non_torch_gib), 0)
            as further_non_torch_gib_per_gpu,
        non_torch_gib(
            tp * pp,
            interconnect_kind,
            case
                when is_unified then unified_non_torch_gib
                when vendor = 'AMD' then amd_non_torch_gib
                else single_non_torch_gib
            end,
            case
                when is_unified then unified_non_torch_gib
                when capability >= 10 then nvlink_blackwell_non_torch_gib
                else nvlink_non_torch_gib
            end,
            case
                when is_unified then unified_non_torch_gib
                when vendor = 'AMD' then greatest(amd_non_torch_gib, pcie_non_torch_gib)
                else pcie_non_torch_gib
            end
        ) as non_torch_gib_per_gpu,
        case
            when enforce_eager then 0
            when vendor = 'AMD' then amd_cuda_graphs_gib
            else largest_stage_layers(layers, pp) * if(mla_layers > 0, mla_cuda_graphs_gib_per_layer, cuda_graphs_gib_per_layer)
        end as cuda_graphs_gib_per_gpu,
        allowed_memory_gib(
            reported_memory_gib, gpu_memory_utilization, coalesce(utilization_of_free_memory = 1, false),
            weights_gib_per_gpu + activation_gib_per_gpu + non_torch_gib_per_gpu
        ) as memory_allowed_gib_per_gpu,
        if(moe_layers > 0, moe_band_gib, dense_band_gib)
            + if(parameters_vision_audio > 0, vision_band_gib, 0)
            + if(vendor = 'AMD', amd_band_gib, 0)
            + if(vendor not in ('NVIDIA', 'AMD'), other_vendor_band_gib, 0)
            + if(is_unified, unified_band_gib, 0) as band_gib,
        bandwidth * memory_efficiency as read_gb_per_s,
        if(dense_is_quantized, quantized_reach, plain_read_efficiency) as dense_reach,
        if(experts_are_quantized, quantized_expert_reach, plain_read_efficiency) as expert_reach,
        if(dense_is_quantized, quantized_tflops, plain_tflops) * card_share as dense_tflops,
        if(dense_is_quantized, quantized_rate_efficiency, plain_arithmetic_efficiency) as dense_rate_efficiency,
        if(experts_are_quantized, quantized_tflops, plain_tflops) * card_share as expert_tflops,
        if(experts_are_quantized, quantized_expert_rate_efficiency, plain_arithmetic_efficiency) as expert_rate_efficiency,
        if(is_pcie, link_efficiency(pcie_efficiency, pcie_tp_exponent, tp), nvlink_efficiency) as reached_link_efficiency,
        if(ep > 1, ep / tp, 1) as expert_tokens,
        if(moe_layers > 0, experts_per_token / nullif(experts, 0)::double, 0e0) as expert_share
    from limited
),

pooled as (
    select
        *,
        kv_pool_gib(
            memory_allowed_gib_per_gpu, weights_gib_per_gpu, activation_gib_per_gpu, non_torch_gib_per_gpu,
            cuda_graphs_gib_per_gpu, cuda_graphs_in_budget
        ) as kv_cache_gib_per_gpu,
        transfer_ms(
            (dense_linear_bytes / dense_reach + (dense_bytes - dense_linear_bytes) + head_bytes) / tp, read_gb_per_s, 1
        ) as matrices_ms,
        compute_ms(2 * dense_linear_parameters / tp::double, dense_tflops, dense_rate_efficiency)
            + compute_ms(2 * (dense_parameters - dense_linear_parameters) / tp::double, plain_tflops * card_share, 1)
            as dense_token_ms,
        compute_ms(2 * head_parameters / tp::double, plain_tflops * card_share, 1) as head_token_ms,
        transfer_ms(routed_expert_bytes / expert_reach / expert_gpus, read_gb_per_s, 1)
            * if(moe_layers > 0, narrow_expert_factor(expert_width, narrow_expert_width), 1) as experts_ms,
        compute_ms(
            2 * parameters_routed_experts * expert_share / expert_gpus, expert_tflops, expert_rate_efficiency * moe_efficiency
        ) as expert_token_ms,
        all_reduce_fixed_ms(tp, layers, if(is_pcie, pcie_alpha_us, nvlink_alpha_us))
            + all_to_all_fixed_ms(tp, ep, moe_layers, all_to_all_us)
            + (pp - 1) * if(nodes > 1, network_alpha_us, if(is_pcie, pcie_alpha_us, nvlink_alpha_us)) / 1000 as communication_ms,
        all_reduce_token_ms(tp, layers, hidden_size, link_gb_per_s, reached_link_efficiency)
            + all_to_all_token_ms(
                tp,
                ep,
                moe_layers,
                hidden_size,
                experts_per_token,
                if(nodes > 1, coalesce(network_gb_per_s, link_gb_per_s), link_gb_per_s),
                if(nodes > 1, network_efficiency, reached_link_efficiency)
            )
            + if(
                pp > 1,
                (pp - 1) * transfer_ms(
                    2e0 * hidden_size,
                    if(nodes > 1, coalesce(network_gb_per_s, link_gb_per_s), link_gb_per_s),
                    if(nodes > 1, network_efficiency, reached_link_efficiency)
                ),
                0
            ) as communication_token_ms,
        engine_factor * card_overhead_factor * (
            layer_us * layers
            + moe_layer_us * moe_layers
            + linear_layer_us * linear_layers
            + mla_layer_us * mla_layers
            + if(index_bytes > 0, index_layer_us * mla_layers, 0)
        ) / 1000 as overhead_ms,
        engine_factor * request_us / 1000 as request_ms,
        ln(greatest(1 - expert_share, 1e-12)) as expert_log_miss,
        transfer_ms(activation_passes * 2e0 * hidden_size * layers / tp, read_gb_per_s, 1) as activation_token_ms,
        case
            when tp > 1 and is_pcie and not pcie_is_known then 'default'
            when tp > 1 and interconnect_kind not in ('nvlink', 'pcie') then 'default'
            else card_calibration
        end as speed_calibration
    from profiled
)

select * exclude (
    architecture_class, parameters_routed_experts, parameters_vision_audio, layers, moe_layers, linear_layers, mla_layers,
    hidden_size, intermediate_size, vocab_size, experts, experts_per_token, speed_class, arithmetic, max_capability,
    amd_supported, routed_expert_bytes, dense_linear_parameters, dense_parameters, expert_gpus, dense_bytes, gpu_expert_bytes,
    head_parameters, head_bytes, gpu_weights_bytes, dense_linear_bytes, dense_is_quantized, experts_are_quantized, is_newest,
    large_card_gib, large_card_max_num_seqs, other_card_max_num_seqs, large_card_max_num_batched_tokens,
    other_card_max_num_batched_tokens, sampler_bytes_per_sequence_and_token, forward_intermediate_factor,
    forward_hidden_factor, expert_workspace_factor, nvfp4_expert_workspace_factor, mxfp4_expert_width_multiple,
    mxfp4_hidden_multiple, moe_intermediate_size, expert_width, is_unified, nvlink_blackwell_non_torch_gib, amd_non_torch_gib,
    unified_non_torch_gib, unified_band_gib, unified_cards, small_defaults_cards, one_shot_prefill_tokens,
    experts_split_within_tp, utilization_of_free_memory, vision_activation_gib, mla_moe_activation_gib,
    mla_moe_activation_min_tp, single_non_torch_gib, nvlink_non_torch_gib, pcie_non_torch_gib, cuda_graphs_gib_per_layer,
    mla_cuda_graphs_gib_per_layer, amd_cuda_graphs_gib, amd_moe_weights_factor, dense_band_gib, moe_band_gib, vision_band_gib,
    amd_band_gib, other_vendor_band_gib, nvidia_min_capability, nvidia_bf16_min_capability, supported_targets, moe_efficiency,
    checkpoint_methods, missing_precisions, precision_min_capability, sparse_attention_capabilities, float16_refused_types,
    checkpoint_method, model_type, serves_float32, value_factor, float32_rate_share, plain_16_bit_tflops,
    engine_factor, request_us, layer_us, moe_layer_us, linear_layer_us, mla_layer_us, index_layer_us, card_overhead_factor,
    narrow_expert_width, all_to_all_us, activation_passes, nvlink_alpha_us, nvlink_efficiency, pcie_alpha_us,
    network_alpha_us, network_efficiency, quantized_read_efficiency, quantized_arithmetic_efficiency,
    weight_only_arithmetic_efficiency, quantized_expert_read_efficiency, quantized_expert_arithmetic_efficiency,
    fp4_expert_read_efficiency, fp4_expert_arithmetic_efficiency, quantized_expert_rate_efficiency, quantized_expert_reach,
    fp4_read_efficiency, fp4_arithmetic_efficiency, plain_read_efficiency, plain_arithmetic_efficiency, vendor,
    compute_capability, fp8_tflops, int8_tops, fp4_tflops, memory_bandwidth_gb_per_s, memory_efficiency, pcie_efficiency,
    pcie_tp_exponent, pcie_is_known, card_calibration, is_large_card, asked_num_seqs, asked_batched_tokens, is_pcie,
    quantized_tflops, quantized_rate_efficiency, quantized_reach, read_gb_per_s, dense_reach, expert_reach, dense_tflops,
    dense_rate_efficiency, expert_tflops, expert_rate_efficiency, expert_share, reached_link_efficiency
)
from pooled;
