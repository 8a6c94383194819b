-- Writes the recommendations of the architecture $architecture to the Parquet file $path, sorted by context. A row is one shape
-- at one quantization, KV precision and context that fits. A reader of one model at one context opens one file and decodes one or
-- two of its row groups: 8,192 rows hold any architecture's rows at a context, and smaller ones cost more than they spare.
copy (
    select * exclude (architecture_key)
    from architecture_offers
    where architecture_key = $architecture
    order by
        context,
        quantization,
        kv_dtype,
        provider,
        shape,
        nodes
) to $path (format parquet, compression zstd, row_group_size 8192);
