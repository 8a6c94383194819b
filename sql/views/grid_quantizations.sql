-- A row is one architecture at one weight precision of the nightly grid: the checkpoint as it is, and for 16-bit checkpoints what
-- it would be in the precisions marked nightly. A prequantized checkpoint is never quantized again.
create or replace view grid_quantizations as
select
    architectures.architecture_key,
    quantizations.quantization
from architectures
join quantizations
    on quantizations.quantization = 'native'
    or quantizations.nightly and architectures.quantization_method = 'none';
