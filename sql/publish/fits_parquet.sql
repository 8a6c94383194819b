-- Writes the grid of one provider at one weight and KV precision to the Parquet file $path. A row is one architecture on one
-- shape in one layout at one context, whether it fits or not; prequantized architectures come with native only.
copy (
    select fits.*
    from fits
    semi join grid_quantizations
        on grid_quantizations.architecture_key = fits.architecture_key
        and grid_quantizations.quantization = fits.quantization
    where fits.provider = $provider
        and fits.quantization = $quantization
        and fits.kv_dtype = $kv_dtype
) to $path (format parquet, compression zstd);
