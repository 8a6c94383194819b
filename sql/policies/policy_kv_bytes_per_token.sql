-- KV cache of a token as rule sets count it that read a config's heads and nothing else: two vectors for every layer and KV head.
-- What MLA, windows or state layers really keep is not known to them; for latent attention the config's KV heads are its
-- attention heads.
-- Units: bytes of a model; dtype_bytes of one value.
-- Source: AQUA shape recommendation tool; KAITO model SKU requirements guide.
-- Example: policy_kv_bytes_per_token(40, 10, 128, 2) = 204800
-- Example: policy_kv_bytes_per_token(40, 40, 128, 2) = 819200
create or replace macro policy_kv_bytes_per_token(layers, kv_heads, head_dim, dtype_bytes) as
    2::bigint * layers * kv_heads * head_dim * dtype_bytes;
