-- Empty the tables that a crawl fills, in a copy of the version before, and drop what it knew of changes.
delete from models;
delete from architectures;
delete from parameter_groups;
delete from layer_groups;
delete from rejects;
drop table if exists changes;
