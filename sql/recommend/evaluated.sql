-- A row is one offer in one layout, evaluated under the question's load.
create or replace temp table evaluated as
select
    split_part(id, ':', 1)::bigint as offer,
    * exclude (id)
from evaluate('configurations')
where fits;
