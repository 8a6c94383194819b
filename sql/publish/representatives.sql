-- A row is one architecture with recommendations, and one of its models.
select
    architecture_key,
    min(model_id) as model_id
from models
where architecture_key in (select architecture_recommendations.architecture_key from architecture_recommendations)
group by architecture_key
order by architecture_key;
