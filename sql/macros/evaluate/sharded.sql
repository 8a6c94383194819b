-- First stage of an estimate: what one GPU of a replica holds and reads, whatever the card. Takes the name of a table with
-- architecture_key, quantization, tp, pp, dp, ep (and any other columns, passed on) and adds, per row:
--   precision (the checkpoint's own for native), gates and speed class of that precision, layout_refusal, checkpoint_method (the
--   quantization method that the engine reads from the config, 'unstated' for packed tensors without one),
--   gpu_weights_bytes and gpu_expert_bytes of the fullest GPU, KV bytes a token on one GPU (full layers, up to two windows,
--   padded to whole layer groups for the memory and unpadded for the speed), state, and the matrices that a decode step reads.
-- Rows whose architecture or quantization is unknown are dropped.
create or replace macro sharded(configurations) as table
with

asked as (
    from query_table(configurations)
),

joined as (
    select
        asked.*,
        a.* exclude (
            architecture_key,
            sizes_source, feature_sources, parameters_total, parameters_text, parameters_active,
            weights_bytes, loaded_weights_bytes, parameters_mtp, bytes_mtp, checkpoint_dtype, tied_embeddings,
            quantization_ignored, attention_type, attention_layers, head_dim, value_head_dim, kv_lora_rank, qk_rope_head_dim,
            max_position_embeddings, max_model_len_default, rotary_values, kv_bytes_per_token, kv_bytes_per_token_unbounded,
            state_bytes_per_sequence, flops_per_token
        ),
        k.* exclude (architecture_key),
        absorbed_bytes(
            a.mla_layers, a.attention_heads, asked.tp, a.head_dim - a.qk_rope_head_dim, a.value_head_dim, a.kv_lora_rank
        ) as absorbed_gpu_bytes,
        rotary_cache_bytes(a.rotary_values) as rotary_gpu_bytes,
        q.quantization as precision,
        q.speed_class,
        q.arithmetic,
        q.min_capability,
        q.max_capability,
        q.amd_supported,
        q.quality_rank,
        q.shard_multiple as precision_shard_multiple,
        a.quantization_method = 'none' as checkpoint_is_16bit,
        case
            when asked.quantization = 'native' or q.quantization = checkpoint_precision(
                a.quantization_method, a.quantization_bits, a.quantization_group_size, a.quantization_activations,
                a.quantization_format
            ) then null
            when q.applies_to = 'experts' and a.moe_layers > 0 then plain.bits_per_weight
            else q.bits_per_weight
        end as linear_bits,
        case
            when asked.quantization = 'native' or q.quantization = checkpoint_precision(
                a.quantization_method, a.quantization_bits, a.quantization_group_size, a.quantization_activations,
                a.quantization_format
            ) then null
            else q.bits_per_weight
        end as expert_bits
    from asked
    join architectures as a using (architecture_key)
    join kv_profiles as k using (architecture_key)
    join quantizations as q
        on q.quantization = case
            when asked.quantization = 'native' then checkpoint_precision(
                a.quantization_method, a.quantization_bits, a.quantization_group_size, a.quantization_activations,
                a.quantization_format
            )
            else asked.quantization
        end
    join quantizations as plain on plain.quantization = 'bf16'
),

weighed as (
    select
        *,
        group_bytes(bytes_attention, parameters_attention, linear_parameters_attention, linear_bits, checkpoint_is_16bit)
            as attention_bytes,
        group_bytes(bytes_dense_mlp, parameters_dense_mlp, linear_parameters_dense_mlp, linear_bits, checkpoint_is_16bit)
            as dense_mlp_bytes,
        group_bytes(
            bytes_shared_experts, parameters_shared_experts, linear_parameters_shared_experts, linear_bits, checkpoint_is_16bit
        ) as shared_expert_bytes,
        group_bytes(
            bytes_linear_attention, parameters_linear_attention, linear_parameters_linear_attention, linear_bits,
            checkpoint_is_16bit
        ) as linear_attention_bytes,
        group_bytes(
            bytes_routed_experts, parameters_routed_experts, linear_parameters_routed_experts, expert_bits, checkpoint_is_16bit
        ) as routed_expert_bytes,
        group_bytes(bytes_embedding, parameters_embedding, 0, linear_bits, checkpoint_is_16bit) as embedding_bytes,
        group_bytes(bytes_lm_head, parameters_lm_head, 0, linear_bits, checkpoint_is_16bit) as lm_head_bytes,
        group_bytes(bytes_router, parameters_router, 0, linear_bits, checkpoint_is_16bit) as router_bytes,
        group_bytes(bytes_norms, parameters_norms, 0, linear_bits, checkpoint_is_16bit) as norm_bytes,
        group_bytes(bytes_vision_audio, parameters_vision_audio, 0, linear_bits, checkpoint_is_16bit) as tower_bytes,
        group_bytes(bytes_other, parameters_other, 0, linear_bits, checkpoint_is_16bit) as other_bytes,
        linear_parameters_attention + linear_parameters_dense_mlp + linear_parameters_shared_experts
            + linear_parameters_linear_attention as dense_linear_parameters,
        parameters_attention + parameters_dense_mlp + parameters_shared_experts + parameters_linear_attention + parameters_router
            as dense_parameters,
        if(ep > 1, ep, tp) as expert_gpus
    from joined
),

divided as (
    select
        *,
        attention_bytes / nullif(parameters_attention, 0)::double as bytes_per_attention_parameter,
        dense_mlp_bytes + attention_bytes + shared_expert_bytes + linear_attention_bytes + router_bytes as dense_bytes,
        routed_expert_bytes / expert_gpus
            * largest_stage_layers(layers, pp) / layers as gpu_expert_bytes,
        if(lm_head_bytes > 0, parameters_lm_head, parameters_embedding) as head_parameters,
        if(lm_head_bytes > 0, lm_head_bytes, embedding_bytes) as head_bytes,
        1e0 / tp as tp_share,
        kv_share(tp, full_kv_heads) as full_kv_share,
        kv_share(tp, window_kv_heads) as window_kv_share,
        largest_stage_layers(full_layers, pp) as stage_full_layers,
        largest_stage_layers(window_1_layers, pp) as stage_window_1_layers,
        largest_stage_layers(window_2_layers, pp) as stage_window_2_layers,
        largest_stage_layers(state_layers, pp) as stage_state_layers
    from weighed
    cross join (select tower_copied_share from policy_settings) as policy
),

placed as (
    select
        *,
        largest_stage_bytes(
            coalesce(bytes_per_attention_parameter, 0) * (
                (parameters_attention - parameters_attention_replicated - parameters_kv_projection) / tp
                + parameters_attention_replicated
                + parameters_kv_projection * kv_share(tp, kv_heads)
            )
            + (dense_mlp_bytes + shared_expert_bytes + linear_attention_bytes) / tp
            + routed_expert_bytes / expert_gpus
            + router_bytes
            + norm_bytes
            + absorbed_gpu_bytes,
            layers,
            pp,
            embedding_bytes / tp + tower_bytes * (tower_copied_share + (1 - tower_copied_share) / tp) + other_bytes,
            lm_head_bytes / tp,
            embedding_bytes / tp
        ) + rotary_gpu_bytes as gpu_weights_bytes,
        greatest(0, dense_bytes - 2 * (dense_parameters - dense_linear_parameters)) as dense_linear_bytes,
        layout_refusal(
            tp,
            pp,
            dp,
            ep,
            attention_heads,
            kv_heads,
            vocab_size,
            layers,
            if(moe_layers > 0, experts, 0),
            intermediate_size,
            moe_intermediate_size,
            if(
                linear_bits is null and precision_shard_multiple is not null,
                quantization_group_size,
                precision_shard_multiple
            )
        ) as layout_refusal,
        list_filter(
            [2 * tp, 4 * tp, 8 * tp],
            lambda wider: wider <= 8 and layout_refusal(
                wider,
                pp,
                dp,
                1,
                attention_heads,
                kv_heads,
                vocab_size,
                layers,
                if(moe_layers > 0, experts, 0),
                intermediate_size,
                moe_intermediate_size,
                if(
                    linear_bits is null and precision_shard_multiple is not null,
                    quantization_group_size,
                    precision_shard_multiple
                )
            ) is null
        ) as wider_tps
    from divided
),

classed as (
    select
        *,
        speed_class <> '16bit' and dense_linear_bytes < 1.5e0 * dense_linear_parameters as dense_is_quantized,
        speed_class <> '16bit' and routed_expert_bytes < 1.5e0 * parameters_routed_experts as experts_are_quantized,
        case
            when coalesce(linear_bits, expert_bits) is not null then 'none'
            when quantization_format = 'unstated' then quantization_format
            else quantization_method
        end as checkpoint_method
    from placed
)

select * exclude (
    parameters_embedding, parameters_lm_head, parameters_attention, parameters_dense_mlp, parameters_shared_experts,
    parameters_router, parameters_norms, parameters_linear_attention, parameters_other, bytes_embedding, bytes_lm_head,
    bytes_attention, bytes_dense_mlp, bytes_routed_experts, bytes_shared_experts, bytes_router, bytes_norms,
    bytes_linear_attention, bytes_vision_audio, bytes_other, linear_parameters_attention, linear_parameters_dense_mlp,
    linear_parameters_routed_experts, linear_parameters_shared_experts, linear_parameters_linear_attention,
    parameters_attention_replicated, parameters_kv_projection, quantization_method, quantization_bits, quantization_group_size,
    quantization_activations, quantization_format, attention_heads, kv_heads, full_kv_heads,
    window_kv_heads, state_layers, precision_shard_multiple, checkpoint_is_16bit, linear_bits, expert_bits, attention_bytes,
    dense_mlp_bytes, shared_expert_bytes, linear_attention_bytes, embedding_bytes, lm_head_bytes, router_bytes, norm_bytes,
    tower_bytes, other_bytes, bytes_per_attention_parameter, absorbed_gpu_bytes, rotary_gpu_bytes, tp_share
)
from classed;
