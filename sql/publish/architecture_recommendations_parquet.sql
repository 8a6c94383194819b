-- Writes the recommendations once per architecture below the directory $path, one folder for each (architecture_key=…), sorted by context. A row is
-- one architecture on one shape at one quantization, KV precision and context that fits. A reader of one model at one context opens one file
-- and decodes one or two of its row groups: 8,192 rows hold any architecture's rows at a context, and smaller ones cost more than they spare.
copy (
    select recommendations.* exclude (model_id)
    from recommendations
    semi join (
        select min(model_id) as model_id
        from models
        group by architecture_key
    ) as representatives using (model_id)
    order by
        architecture_key,
        context,
        quantization,
        kv_dtype,
        provider,
        shape,
        nodes
) to $path (format parquet, compression zstd, row_group_size 8192, partition_by (architecture_key));
