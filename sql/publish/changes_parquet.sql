-- Writes the changes to the Parquet file $path. A row is one difference from the version before.
copy (
    select *
    from changes
    order by all
) to $path (format parquet, compression zstd);
