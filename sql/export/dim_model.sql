-- A row is one model, with the key of the architecture that its estimates are kept under.
select
    model_id,
    star_key(architecture_key) as architecture_id,
    author,
    license,
    gated,
    downloads,
    likes,
    last_modified,
    pipeline_tag,
    base_model,
    needs_remote_code,
    source,
    fetched_at
from models
order by model_id;
