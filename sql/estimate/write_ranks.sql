-- Writes the ranks of a bucket to the Parquet file $path, in the order in which recommendations are asked for.
copy (
    select *
    from bucket_ranks
    order by
        architecture_key,
        context,
        quantization,
        kv_dtype,
        provider,
        shape
) to $path (format parquet, compression zstd);
