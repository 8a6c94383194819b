-- The database of the version before, beside the one that is being made.
attach $path as version_before (read_only);
