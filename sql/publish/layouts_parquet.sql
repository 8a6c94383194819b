-- Writes the layouts to the Parquet file $path. A row is one way to spread an engine over machines of a shape.
copy (
    select *
    from layouts
    order by all
) to $path (format parquet, compression zstd);
