-- A row is one measured run's shard: the part of its estimate that no speed coefficient bears on.
create temp table shards as
from sharded('configurations');
