-- A row is one calibration class: the factors on its estimates between which the stated share of real runs lies. For published
-- rows: select tpot_ms * tpot_low, tpot_ms * tpot_high from recommendations join speed_intervals using (calibration).
create or replace view speed_intervals as
select
    key as calibration,
    max(value) filter (where name = 'share') as interval_share,
    max(value) filter (where name = 'tpot_low') as tpot_low,
    max(value) filter (where name = 'tpot_high') as tpot_high,
    max(value) filter (where name = 'ttft_low') as ttft_low,
    max(value) filter (where name = 'ttft_high') as ttft_high,
    max(value) filter (where name = 'rate_low') as rate_low,
    max(value) filter (where name = 'rate_high') as rate_high
from speed_coefficients
where scope = 'interval'
group by key;
