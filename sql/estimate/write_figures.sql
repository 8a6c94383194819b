-- Writes one accelerator's rows of a bucket's figures to the Parquet file $path.
copy (
    select figures.*
    from bucket_figures as figures
    join hardware using (hardware)
    where hardware.gpu = $gpu
) to $path (format parquet, compression zstd);
