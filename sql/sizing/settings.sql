-- A setting of the fit's rules, from the catalog.
create or replace macro sizing_setting(name) as (
    select value
    from sizing_settings
    where key = name
);

-- Settings that stand where the database takes only a constant: quantiles and lengths of ranges.
set variable latency_quantile = (
    select value
    from sizing_settings
    where key = 'latency_quantile'
);
set variable interval_low = (
    select (1 - value) / 2
    from sizing_settings
    where key = 'interval_level'
);
set variable interval_high = (
    select 1 - (1 - value) / 2
    from sizing_settings
    where key = 'interval_level'
);
set variable knee_steps = (
    select value::bigint
    from sizing_settings
    where key = 'knee_steps'
);
set variable bootstrap_replicates = (
    select value::bigint
    from sizing_settings
    where key = 'bootstrap_replicates'
);
