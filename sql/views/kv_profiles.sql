-- A row is one architecture: its layer groups as scalar columns. Layers without a window (full attention, latents, index) sum to
-- one rate; windowed layers to at most two, the smallest window and all others at the largest; fixed state is apart. Bytes are at
-- 16 bit for all layers; the latent of MLA and the index of sparse attention are replicated by tensor parallel, the rest is
-- divided.
create or replace view kv_profiles as
with

groups as (
    select
        *,
        min(window_tokens) over (partition by architecture_key) as smallest_window,
        layers * kv_bytes_per_token_per_layer as kv_bytes,
        layers * decode_flops_per_context_token_per_layer as decode_flops,
        layers * prefill_flops_per_context_token_per_layer as prefill_flops
    from layer_groups
),

placed as (
    select
        *,
        kind = 'sparse_index' as is_index,
        window_tokens is null and kv_bytes > 0 as is_full,
        window_tokens is not null and window_tokens = smallest_window as is_window_1,
        window_tokens is not null and window_tokens > smallest_window as is_window_2
    from groups
),

profiles as (
    select
        architecture_key,
        coalesce(sum(layers) filter (where is_full and not is_index), 0)::integer as full_layers,
        coalesce(sum(kv_bytes) filter (where is_full and shards_with_tp and not is_index), 0)::double as full_divided_bytes,
        coalesce(sum(kv_bytes) filter (where is_full and not shards_with_tp and not is_index), 0)::double as full_copied_bytes,
        coalesce(sum(kv_bytes) filter (where is_index), 0)::double as index_bytes,
        min(kv_heads) filter (where is_full and shards_with_tp) as full_kv_heads,
        coalesce(sum(layers) filter (where is_window_1), 0)::integer as window_1_layers,
        max(window_tokens) filter (where is_window_1) as window_1_tokens,
        coalesce(sum(kv_bytes) filter (where is_window_1), 0)::double as window_1_bytes,
        coalesce(sum(layers) filter (where is_window_2), 0)::integer as window_2_layers,
        max(window_tokens) filter (where is_window_2) as window_2_tokens,
        coalesce(sum(kv_bytes) filter (where is_window_2), 0)::double as window_2_bytes,
        min(kv_heads) filter (where is_window_1 or is_window_2) as window_kv_heads,
        coalesce(sum(layers) filter (where state_bytes_per_sequence_per_layer > 0), 0)::integer as state_layers,
        coalesce(max(state_bytes_per_sequence_per_layer), 0)::double as state_bytes_per_layer,
        coalesce(sum(layers * state_bytes_per_sequence_per_layer), 0)::double as state_bytes,
        coalesce(sum(decode_flops) filter (where not is_window_1 and not is_window_2), 0) as full_decode_flops,
        coalesce(sum(decode_flops) filter (where is_window_1), 0) as window_1_decode_flops,
        coalesce(sum(decode_flops) filter (where is_window_2), 0) as window_2_decode_flops,
        coalesce(sum(prefill_flops) filter (where not is_window_1 and not is_window_2), 0) as full_prefill_flops,
        coalesce(sum(prefill_flops) filter (where is_window_1), 0) as window_1_prefill_flops,
        coalesce(sum(prefill_flops) filter (where is_window_2), 0) as window_2_prefill_flops
    from placed
    group by architecture_key
)

from profiles;
