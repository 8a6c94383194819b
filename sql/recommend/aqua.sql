-- A row is one OCI shape with the first configuration that the aqua policy finds room for, for the architecture $architecture.
select * exclude (architecture_key)
from aqua($architecture)
where $shape is null or shape = $shape;
