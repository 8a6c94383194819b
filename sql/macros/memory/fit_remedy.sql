-- The cheapest change that would make a start fit that lacks memory, or null: fewer sequences at once, no videos, an fp8 KV
-- cache, weights in 8 then 4 bit (of a 16-bit checkpoint), the next tensor parallel degree that the engine accepts (wider_tps,
-- ascending). A shorter context is the answer's max_context. What each frees: sampler_gib the sampler's part of the activation
-- peak above the forward pass, for max_num_seqs sequences; video_gib what an encoder profiled with images alone leaves free;
-- cache_gib the part of one request's KV cache that another dtype halves (0 where it is 8 bit already or the card cannot);
-- linear_gib the matrices of a 16-bit checkpoint, of which weights in 8 and 4 bit free the shares freed_in_8_bit and
-- freed_in_4_bit. Other weights and more GPUs must free the band on top; extra_gib is what a GPU holds besides once there are
-- several.
-- Units: GiB of one GPU; sequences; GPUs.
-- Source: the terms of kv_pool_gib and what each change does to them.
-- Example: fit_remedy(1, 0.5e0, 2e0, 0, 1024, 1e0, 10, 0.5e0, 0.74e0, 20, 2, 1, [2]) = 'fits with --max-num-seqs 512'
-- Example: fit_remedy(2, 0.5e0, 0e0, 9, 256, 3e0, 10, 0.5e0, 0.74e0, 20, 2, 1, [2]) = 'fits with --limit-mm-per-prompt ''{"video": 0}'''
-- Example: fit_remedy(1, 0.5e0, 0e0, 0, 256, 3e0, 10, 0.5e0, 0.74e0, 20, 2, 1, [2]) = 'fits with --kv-cache-dtype fp8'
-- Example: fit_remedy(4, 0.5e0, 0e0, 0, 256, 3e0, 10, 0.5e0, 0.74e0, 20, 2, 1, [2]) = 'fits in 8-bit weights'
-- Example: fit_remedy(6, 0.5e0, 0e0, 0, 256, 3e0, 10, 0.5e0, 0.74e0, 20, 2, 1, [2]) = 'fits in 4-bit weights'
-- Example: fit_remedy(60, 0.5e0, 0e0, 0, 256, 3e0, 0, 0.5e0, 0.74e0, 140, 2, 1, [2, 4]) = 'fits with tp 2'
-- Example: fit_remedy(80, 0.5e0, 0e0, 0, 256, 3e0, 0, 0.5e0, 0.74e0, 140, 2, 1, [2, 4]) = 'fits with tp 4'
-- Example: fit_remedy(30, 0.5e0, 0e0, 0, 256, 3e0, 0, 0.5e0, 0.74e0, 40, 2, 1, [2]) = null
create or replace macro fit_remedy(
    missing_gib, band_gib, sampler_gib, video_gib, max_num_seqs, cache_gib, linear_gib, freed_in_8_bit, freed_in_4_bit, weights,
    extra_gib, tp, wider_tps
) as
    case
        when missing_gib <= 0 then null
        when sampler_gib > missing_gib and floor(max_num_seqs * (1 - missing_gib / sampler_gib)) >= 1
            then format('fits with --max-num-seqs {:.0f}', floor(max_num_seqs * (1 - missing_gib / sampler_gib))::double)
        when video_gib > missing_gib then 'fits with --limit-mm-per-prompt ''{"video": 0}'''
        when cache_gib / 2 > missing_gib then 'fits with --kv-cache-dtype fp8'
        when linear_gib * freed_in_8_bit > missing_gib + band_gib then 'fits in 8-bit weights'
        when linear_gib * freed_in_4_bit > missing_gib + band_gib then 'fits in 4-bit weights'
        else 'fits with tp ' || list_filter(
            wider_tps, lambda wider: weights * (1 - tp / wider::double) > missing_gib + band_gib + extra_gib
        )[1]
    end;
