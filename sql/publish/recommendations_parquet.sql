-- Writes the recommendations to the Parquet file $path, sorted so that a reader of one model at one context skips all else. A row is one model on one
-- shape at one quantization, KV precision and context that fits. Readers who ask for one model at a time read architecture_recommendations.
copy (
    select *
    from recommendations
    order by
        model_id,
        context,
        quantization,
        kv_dtype,
        provider,
        shape,
        nodes
) to $path (format parquet, compression zstd, row_group_size 122880);
