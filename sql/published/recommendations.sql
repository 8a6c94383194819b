-- A row is one model on one shape at one weight precision, KV precision and context that fits: what its architecture has there,
-- and in the arguments what its repository needs. A view: the figures are kept once per architecture.
create or replace view recommendations as
select
    models.model_id,
    offers.* replace (trusted_arguments(offers.vllm_arguments, models.needs_remote_code) as vllm_arguments)
from models
join architecture_offers as offers using (architecture_key);
