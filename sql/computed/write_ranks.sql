-- Writes a bucket's rows of architecture_recommendations to the Parquet file $path, in the order in which they were made.
copy (
    select *
    from architecture_recommendations
    order by
        architecture_key,
        context,
        quantization,
        kv_dtype,
        provider,
        shape,
        nodes
) to $path (format parquet, compression zstd);
