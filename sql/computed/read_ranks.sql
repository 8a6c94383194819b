-- Add a bucket's rows to architecture_recommendations, in the order of the Parquet file $path.
insert into architecture_recommendations by name
select *
from read_parquet($path);
