-- The variable sizing: settings that stand where the database takes only a constant, quantiles and lengths of ranges.
set variable sizing = (
    select
        {
            'latency_quantile': any_value(value) filter (key = 'latency_quantile'),
            'interval_low': (1 - any_value(value) filter (key = 'interval_level')) / 2,
            'interval_high': 1 - (1 - any_value(value) filter (key = 'interval_level')) / 2,
            'knee_steps': any_value(value) filter (key = 'knee_steps')::bigint,
            'bootstrap_replicates': any_value(value) filter (key = 'bootstrap_replicates')::bigint
        }
    from sizing_settings
);
