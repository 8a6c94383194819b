-- Let go of the version before and of what was only needed to compare with it.
drop table if exists temp.fit_changes;
drop table if exists temp.kept_models;
detach version_before;
