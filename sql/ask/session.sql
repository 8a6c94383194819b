-- Settings of a connection that answers questions: times in UTC, and nothing of it may be changed afterwards.
set TimeZone = 'UTC';
set lock_configuration = true;
