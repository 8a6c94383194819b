-- Writes the whole grid to the Parquet file $path. A row is one architecture on one shape in one layout, quantization,
-- KV precision and context, whether it fits or not.
copy (
    select *
    from fits
) to $path (format parquet, compression zstd);
