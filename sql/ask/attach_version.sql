-- Attach the database of a published version, read-only, to a connection of its own: another connection of this process to the
-- same file, with other settings or from another thread, is not disturbed and disturbs nothing.
attach $path as published (read_only);
