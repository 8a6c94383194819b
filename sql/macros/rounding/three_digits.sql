-- The end of an interval as it is published: three digits, for a range that holds four of five real runs knows no more.
-- Units: any.
-- Source: choice of the product.
-- Example: three_digits(12.345678e0) = 12.3e0
-- Example: three_digits(45678.9e0) = 45700
-- Example: three_digits(0) = 0
create or replace macro three_digits(figure) as
    round(figure::double, coalesce(2 - floor(log10(nullif(abs(figure), 0)))::integer, 0));
