-- A row is one name that a condition of the aqua policy may use: it ranks OCI shapes of a catalog of its own.
select 'shape' as kind, shape as name, shape as meant
from aqua_shapes;
