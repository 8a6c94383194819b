-- A row is one architecture that a model has and that fits somewhere.
select architecture_key
from models
semi join architecture_recommendations using (architecture_key)
group by architecture_key
order by architecture_key;
