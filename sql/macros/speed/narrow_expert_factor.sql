-- How much longer an expert's matrices take to read than their bytes say: the narrower the part of an expert that a GPU holds,
-- the less of the bandwidth its kernels reach.
-- Units: factor; widths of an expert's part on one GPU.
-- Source: fitted to measured runs: the same experts split by tp 8 fall behind their bytes, whole experts do not.
-- Example: narrow_expert_factor(192, 24) = 1.125
-- Example: narrow_expert_factor(1536, 24) = 1.015625
create or replace macro narrow_expert_factor(width, narrow_width) as 1 + narrow_width / nullif(width, 0);
