-- A database beside the one being made, for the shards of a bucket, from which many rows are computed: a scan is shared among
-- processors by row groups, and a bucket fits into one of the usual size.
attach $path as staging (row_group_size 2048);
