-- Copies of the up-projections of latent attention, transposed for decoding in latent space, that an engine keeps beside the
-- weights.
-- Units: bytes of one GPU at 2 bytes a value; heads of the whole replica, widths of one head without its rotary part.
-- Source: vLLM latent attention after loading; Kimi-K2.5 (NVFP4) at tp 4 on GB300 loads 139.53 GiB where 139.27 are counted
-- without them.
-- Example: absorbed_bytes(61, 64, 4, 128, 128, 512) = 255852544
-- Example: absorbed_bytes(0, 32, 1, 128, 128, null) = 0
create or replace macro absorbed_bytes(latent_layers, heads, tp, key_width, value_width, latent_width) as
    coalesce(2e0 * latent_layers * heads / tp * (key_width + value_width) * latent_width, 0);
