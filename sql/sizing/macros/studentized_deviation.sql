-- Externally studentized residual: a point's distance from the line in standard errors of the line without it.
-- Infinite where the other points lie on a line and this one does not; 0 where too few points tell.
-- Units: residual s; lever a share; squared_error s squared; n points; result standard errors.
-- Source: Belsley, Kuh, Welsch 1980, Regression Diagnostics.
-- Example: studentized_deviation(1e0, 0.5e0, 10e0, 5) = 0.7071e0
-- Example: studentized_deviation(1e0, 0.5e0, 2e0, 5) = 'infinity'::double
-- Example: studentized_deviation(1e0, 0.5e0, 10e0, 3) = 0e0
create or replace macro studentized_deviation(residual, lever, squared_error, n) as
    case
        when n < 4 or lever >= 1e0 - 1e-9 then 0e0
        when squared_error <= 0e0 then 0e0
        else coalesce(
            abs(residual) / nullif(
                sqrt(greatest((squared_error - power(residual, 2) / (1e0 - lever)) / (n - 3), 0e0) * (1e0 - lever)),
                0e0
            ),
            'infinity'::double
        )
    end;
