-- Settings of a connection that answers questions: the published version's names come first, times are in UTC, nothing outside
-- the file is reached, and nothing of it may be changed afterwards.
use published;
set TimeZone = 'UTC';
set enable_external_access = false;
set lock_configuration = true;
