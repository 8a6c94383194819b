-- The figures of one bucket, of all accelerators, as the files $paths keep them. A row is as bucket_figures says.
create or replace temp table bucket_figures as
select *
from read_parquet($paths);
