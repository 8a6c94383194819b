-- Why a configuration does not start, is tight, has no speed or queues requests; null for a plain yes.
-- Units: GiB of one GPU; tokens; requests; remedy as fit_remedy names it.
-- Source: the outcomes of fit_outcome.
-- Example: fit_reason('refused', 'no kernels', 70, 80, 3, 100, 200, 'does_not_fit', 0.5e0, true, 1, 1, null) = 'no kernels'
-- Example: fit_reason('oom', null, 90, 80, 3, 100, 200, 'does_not_fit', 0.5e0, true, 1, 1, null) = 'weights and activations need 90.0 GiB a GPU, the card has 80.0'
-- Example: fit_reason('kv_too_small', null, 70, 80, -3.21e0, 1024, 4096, 'does_not_fit', 0.5e0, true, 1, 1, null) = '3.2 GiB a GPU are missing for one request of 4096 tokens; 1024 tokens fit'
-- Example: fit_reason('kv_too_small', null, 70, 80, -0.01e0, 4000, 4096, 'does_not_fit', 0.5e0, true, 1, 1, null) = '0.1 GiB a GPU are missing for one request of 4096 tokens; 4000 tokens fit'
-- Example: fit_reason('kv_too_small', null, 70, 80, -3.21e0, 0, 4096, 'does_not_fit', 0.5e0, true, 1, 1, null) = '3.2 GiB a GPU are missing for one request of 4096 tokens; no context fits'
-- Example: fit_reason('started', null, 70, 80, 0.3e0, 4096, 4096, 'tight', 0.5e0, false, 1, 1, null) = '0.3 GiB a GPU are free, within the estimate''s band of 0.5'
-- Example: fit_reason('started', null, 70, 80, 5, 4096, 4096, 'fits', 0.5e0, true, 1, 1, null) = 'no specs: memory is known, speed is not'
-- Example: fit_reason('started', null, 70, 80, 5, 4096, 4096, 'fits', 0.5e0, false, 64, 20, null) = 'at most 20 of 64 requests run at once, the others queue'
-- Example: fit_reason('started', null, 70, 80, 5, 4096, 4096, 'fits', 0.5e0, false, 1, 1, null) = null
-- Example: fit_reason('oom', null, 90, 80, -30, 0, 200, 'does_not_fit', 0.5e0, true, 1, 1, 'fits with tp 2') = 'weights and activations need 90.0 GiB a GPU, the card has 80.0; fits with tp 2'
create or replace macro fit_reason(
    outcome, refusal, loaded_gib, reported_gib, free_gib, max_context, context, verdict, band_gib, speed_is_unknown, concurrency,
    greatest_concurrency, remedy
) as
    case outcome
        when 'refused' then refusal
        when 'oom' then concat_ws(
            '; ',
            format(
                'weights and activations need {:.1f} GiB a GPU, the card has {:.1f}', loaded_gib::double, reported_gib::double
            ),
            remedy
        )
        when 'kv_too_small' then concat_ws(
            '; ',
            format('{:.1f} GiB a GPU are missing for one request of {} tokens', greatest(0.1e0, -free_gib::double), context),
            if(max_context > 0, format('{} tokens fit', max_context), 'no context fits'),
            remedy
        )
        when 'oom_after_kv'
            then 'graphs are captured outside the memory share, which leaves no room for them: lower the utilization'
        else nullif(
            concat_ws(
                '; ',
                if(
                    verdict = 'tight',
                    format(
                        '{:.1f} GiB a GPU are free, within the estimate''s band of {:.1f}', free_gib::double, band_gib::double
                    ),
                    null
                ),
                if(speed_is_unknown, 'no specs: memory is known, speed is not', null),
                if(
                    concurrency > greatest_concurrency,
                    format(
                        'at most {:.0f} of {:.0f} requests run at once, the others queue',
                        greatest_concurrency::double,
                        concurrency::double
                    ),
                    null
                )
            ),
            ''
        )
    end;
