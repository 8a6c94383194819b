-- A row is one way to spread an engine over machines of one kind, all of their accelerators used: tp x pp x dp on one machine, tp
-- inside machines and pp across them on several. Experts are split by tp (ep 1) or spread whole over tp x dp (ep > 1).
create or replace table hardware_layouts as
with

policy as (
    from policy_settings
),

machines as (
    select
        hardware,
        greatest(1, gpu_count)::integer as gpus,
        network_gb_per_s is not null and gpu_count >= 1 as can_scale_out
    from hardware
),

one_machine as (
    select
        machines.hardware,
        1 as nodes,
        tps.tp,
        pps.pp,
        machines.gpus // (tps.tp * pps.pp) as dp
    from machines
    cross join policy
    cross join lateral (select unnest(range(1, policy.max_tp + 1))::integer as tp) as tps
    cross join lateral (select unnest(range(1, policy.max_pp_in_node + 1))::integer as pp) as pps
    where machines.gpus % (tps.tp * pps.pp) = 0
),

several_machines as (
    select
        machines.hardware,
        node_counts.nodes,
        tps.tp,
        node_counts.nodes * (machines.gpus // tps.tp) as pp,
        1 as dp
    from machines
    cross join policy
    cross join lateral (select unnest(range(1, policy.max_tp + 1))::integer as tp) as tps
    cross join lateral (select unnest(range(2, policy.max_nodes + 1))::integer as nodes) as node_counts
    where machines.can_scale_out
        and machines.gpus % tps.tp = 0
        and machines.gpus // tps.tp <= policy.max_pp_in_node
),

spread as (
    select *, 1 as ep from one_machine
    union all
    select *, 1 as ep from several_machines
    union all
    select *, tp * dp as ep from one_machine where tp * dp > 1
    union all
    select *, tp * dp as ep from several_machines where tp * dp > 1
)

select
    hardware,
    nodes::integer as nodes,
    tp::integer as tp,
    pp::integer as pp,
    dp::integer as dp,
    ep::integer as ep
from spread
order by all;
