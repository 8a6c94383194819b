-- A row is one provider that offers the shape $shape.
select provider
from shapes
where shape = $shape
order by provider;
