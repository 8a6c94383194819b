-- The whole-number key of a star-schema row by its natural key: the same on every night and in every export. Fifteen digits of
-- the MD5 hash, the most that spreadsheets and BI tools which count in floating point keep exactly (Excel specifications and
-- limits: number precision 15 digits; IEEE 754 doubles hold whole numbers to 2^53, about 9.0e15).
-- Example: star_key('aws/p5.48xlarge') = star_key('aws/p5.48xlarge').
create or replace temp macro star_key(natural_key) as (md5_number_lower(natural_key) % 1000000000000000)::bigint;
