-- A cost that follows from a price, as it would be were the price of one accelerator-hour in whole cents: machines of one and
-- of several accelerators at one price each then cost the same, where their prices were rounded to cents for the whole machine.
-- Units: the cost's; USD per hour and accelerators of the machine.
-- Source: choice of the product; 4 accelerators at USD 3.79 and one at USD 0.95 are one offer in two sizes.
-- Example: in_cents_per_accelerator(379, 3.79e0, 4) = 380
-- Example: in_cents_per_accelerator(95, 0.95e0, 1) = 95
-- Example: in_cents_per_accelerator(10, 0.004e0, 1) = 10
create or replace macro in_cents_per_accelerator(cost, usd_per_hour, gpu_count) as
    cost * coalesce(nullif(round(usd_per_hour / gpu_count::double, 2), 0) * gpu_count / nullif(usd_per_hour, 0)::double, 1);
