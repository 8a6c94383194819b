-- A figure as it is published: rounded, so that every reader of every format sees the same number.
-- Units: any.
-- Source: choice of the product; DuckDB and Parquet store doubles of few decimals in less space than single precision.
-- Example: four_decimals(12.345678e0) = 12.3457e0
create or replace macro four_decimals(figure) as
    round(figure::double, 4);
