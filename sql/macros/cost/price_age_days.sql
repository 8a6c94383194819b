-- Age of a price on a day; null for an undated one, none before its day.
-- Units: days; dates.
-- Source: definition.
-- Example: price_age_days(date '2026-11-01', date '2026-11-21') = 20
-- Example: price_age_days(date '2026-11-21', date '2026-11-01') = 0
-- Example: price_age_days(null, date '2026-11-21') is null
create or replace macro price_age_days(price_as_of, day) as
    if(price_as_of is null, null, greatest(0, day - price_as_of))::integer;
