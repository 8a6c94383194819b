-- A row is one model that both versions know: its architecture before and now, and its place among the models that share both,
-- most downloaded first. Fits are compared once for each such pair of architectures, however many models share it.
create or replace temp table kept_models as
select
    models.model_id,
    models_before.architecture_key as key_before,
    models.architecture_key as key_now,
    row_number() over (
        partition by models_before.architecture_key, models.architecture_key
        order by models.downloads desc nulls last, models.model_id
    ) as place
from models
join version_before.models as models_before using (model_id);
