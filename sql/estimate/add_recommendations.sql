-- Add a bucket's rows to architecture_recommendations.
insert into architecture_recommendations by name
select *
from bucket_recommendations;
