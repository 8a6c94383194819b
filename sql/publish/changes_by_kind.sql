-- A row is one kind of change and how many there are.
select
    change,
    count(*) as changes
from changes
group by change
order by change;
