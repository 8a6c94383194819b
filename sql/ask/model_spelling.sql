-- The one row of the published model that $model names in other letter cases: ids of the Hub differ in more than case.
select model_id
from models
where lower(model_id) = lower($model)
order by model_id
limit 1;
