-- A setting of the fit's rules by its key, from the catalog sizing_settings.
create or replace macro sizing_setting(name) as (
    select value
    from sizing_settings
    where key = name
);
