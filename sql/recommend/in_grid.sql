-- A row where the weight precision $quantization of the architecture $architecture is in the database, or can be in none: a
-- checkpoint that is quantized already is never quantized again.
select architectures.architecture_key
from architectures
left join grid_quantizations as grid
    on grid.architecture_key = architectures.architecture_key
    and grid.quantization = $quantization
where architectures.architecture_key = $architecture
    and (grid.quantization is not null or architectures.quantization_method <> 'none');
