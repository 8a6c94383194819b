-- The one row that says when the version was made: what the age of its prices is counted to.
create or replace table publication as
select current_date as published_on;
