-- Bytes of a matrix over its bytes as stored, where the engine pads both its widths to multiples that its kernels demand.
-- Units: ratio; widths of one GPU.
-- Source: vLLM mxfp4 experts; gpt-oss-120b (2880 by 2880) on H200: 66.14 GiB at tp 1 for 60.77 stored, 34.38 at tp 2 for 30.40.
-- Example: padded_share(1440, 2880, 128, 256) = 1.1378
-- Example: padded_share(1536, 3072, 128, 256) = 1
create or replace macro padded_share(width, hidden_size, width_multiple, hidden_multiple) as
    coalesce(
        whole_blocks(width, width_multiple) / nullif(width, 0)::double
            * whole_blocks(hidden_size, hidden_multiple) / nullif(hidden_size, 0)::double,
        1e0
    );
