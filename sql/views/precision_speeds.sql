-- A row is one speed class of weight precisions: share of the bandwidth and of the arithmetic peak that its kernels reach; those
-- of routed experts have figures of their own where these were measured.
create or replace view precision_speeds as
select
    key as speed_class,
    max(value) filter (where name = 'm_q') as read_efficiency,
    max(value) filter (where name = 'c_q') as arithmetic_efficiency,
    coalesce(max(value) filter (where name = 'm_q_experts'), max(value) filter (where name = 'm_q')) as expert_read_efficiency,
    coalesce(max(value) filter (where name = 'c_q_experts'), max(value) filter (where name = 'c_q'))
        as expert_arithmetic_efficiency
from speed_coefficients
where scope = 'quant'
group by key;
