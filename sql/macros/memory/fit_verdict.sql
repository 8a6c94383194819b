-- The answer with its uncertainty: tight where less is free than the band of the estimate.
-- Units: GiB of one GPU.
-- Source: residuals of the pool against start-up logs.
-- Example: fit_verdict('started', 2.5e0, 0.5e0) = 'fits'
-- Example: fit_verdict('started', 0.4e0, 0.5e0) = 'tight'
-- Example: fit_verdict('oom', 2.5e0, 0.5e0) = 'does_not_fit'
create or replace macro fit_verdict(outcome, free_gib, band_gib) as
    case when outcome <> 'started' then 'does_not_fit' when free_gib < band_gib then 'tight' else 'fits' end;
