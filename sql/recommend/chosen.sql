-- A row is one offer that fits the question's conditions on hardware and precision: what `recommend` publishes of a shape at a weight precision,
-- with the layouts of all objectives.
create or replace temp table chosen as
select
    row_number() over (order by offers.place) as offer,
    offers.*
from recommend($model, $context, objective := 'balanced', users := $users, spot := $spot) as offers
semi join asked_shapes using (provider, shape)
where $quantization is null or offers.quantization = $quantization;
