-- A row is one speed class of weight precisions: share of the bandwidth and of the arithmetic peak that its kernels reach.
create or replace view precision_speeds as
select
    key as speed_class,
    max(value) filter (where name = 'm_q') as read_efficiency,
    max(value) filter (where name = 'c_q') as arithmetic_efficiency
from speed_coefficients
where scope = 'quant'
group by key;
