-- A row is one weight precision: whether the engine makes it on loading, and what is known of the quality that it costs.
select
    quantization,
    engine_arguments is not null as engine_makes_it,
    known_loss,
    loss_source
from quantizations;
