-- Whether a setting that holds from one release until below another (null: until today) holds for the releases that begin with a
-- third.
-- Units: releases, as numbers between dots.
-- Source: definition; numbers are compared one by one, so that 0.9 comes before 0.17.
-- Example: setting_holds('0.9', '0.20', '0.17') = true
-- Example: setting_holds('0.9', '0.17', '0.17') = false
-- Example: setting_holds('0.17', null, '0.9') = false
-- Example: setting_holds('0', null, '0.21') = true
create or replace macro setting_holds(version_from, version_below, release) as
    string_split(version_from, '.')::integer[] <= string_split(release, '.')::integer[]
    and coalesce(string_split(release, '.')::integer[] < string_split(version_below, '.')::integer[], true);
