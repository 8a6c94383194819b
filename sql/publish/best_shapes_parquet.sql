-- Writes the best shapes to the Parquet file $path. A row is the best shape of one kind for one model at one quantization and context.
copy (
    select *
    from best_shapes
    order by
        model_id,
        quantization,
        context,
        shape_kind
) to $path (format parquet, compression zstd);
