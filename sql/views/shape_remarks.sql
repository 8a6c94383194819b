-- A row is one shape that is listed but never recommended, and why.
create or replace view shape_remarks as
select
    provider,
    shape,
    gpu,
    gpu_count,
    not_recommended_reason
from shape_hardware
where not_recommended_reason is not null;
