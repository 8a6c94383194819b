-- What a user should know of a recommended row: tight memory, no price, no speed, a missed default SLO; null for nothing.
-- Units: GiB of one GPU; USD per hour; ms.
-- Source: the row's own figures.
-- Example: recommendation_reason('fits', 5, 0.5e0, 3.2e0, 90, true) = null
-- Example: recommendation_reason('tight', 0.3e0, 0.5e0, null, 90, true) = '0.3 GiB a GPU are free, within the estimate''s band of 0.5; no catalogued on-demand price: ranks last by cost'
-- Example: recommendation_reason('fits', 5, 0.5e0, 3.2e0, null, null) = 'no specs: memory is known, speed is not'
-- Example: recommendation_reason('fits', 5, 0.5e0, 3.2e0, 90, false) = 'even one request misses the default SLO'
create or replace macro recommendation_reason(verdict, free_gib, band_gib, usd_per_hour, tpot, meets_slo) as
    nullif(
        concat_ws(
            '; ',
            if(
                verdict = 'tight',
                format('{:.1f} GiB a GPU are free, within the estimate''s band of {:.1f}', free_gib::double, band_gib::double),
                null
            ),
            if(usd_per_hour is null, 'no catalogued on-demand price: ranks last by cost', null),
            if(tpot is null, 'no specs: memory is known, speed is not', null),
            if(meets_slo, null, if(tpot is null, null, 'even one request misses the default SLO'))
        ),
        ''
    );
