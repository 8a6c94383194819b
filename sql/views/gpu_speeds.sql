-- A row is one accelerator as the speed formulas see it: peak rates, the efficiencies of its generation and of its PCIe link, and
-- what these rest on. A generation without a row of its own takes the row `other`, marked default.
create or replace view gpu_speeds as
with

efficiencies as (
    select
        key as generation,
        max(value) filter (where name = 'e_mem') as memory_efficiency,
        max(value) filter (where name = 'e_pf') as prefill_efficiency,
        max(value) filter (where name = 'overhead_factor') as overhead_factor,
        max(basis) filter (where name = 'e_mem') as memory_basis,
        max(basis) filter (where name = 'e_pf') as prefill_basis
    from speed_coefficients
    where scope = 'generation'
    group by key
),

pcie_links as (
    select
        substr(key, 6) as generation,
        max(value) filter (where name = 'e_link') as pcie_efficiency,
        max(value) filter (where name = 'tp_exponent') as pcie_tp_exponent
    from speed_coefficients
    where scope = 'comm' and starts_with(key, 'pcie_')
    group by key
),

rated as (
    select
        gpus.*,
        coalesce(own.memory_efficiency, other.memory_efficiency) as memory_efficiency,
        coalesce(own.prefill_efficiency, other.prefill_efficiency) as prefill_efficiency,
        coalesce(own.overhead_factor, 1) as overhead_factor,
        coalesce(link.pcie_efficiency, other_link.pcie_efficiency) as pcie_efficiency,
        coalesce(link.pcie_tp_exponent, other_link.pcie_tp_exponent) as pcie_tp_exponent,
        link.generation is not null as pcie_is_known,
        case
            when capability >= 8 or vendor <> 'NVIDIA' then coalesce(bf16_tflops, fp16_tflops)
            else fp16_tflops
        end as plain_tflops,
        case
            when starts_with(coalesce(own.memory_basis, other.memory_basis), 'default')
                or starts_with(coalesce(own.prefill_basis, other.prefill_basis), 'default') then 'default'
            when starts_with(coalesce(own.memory_basis, other.memory_basis), 'measured')
                and starts_with(coalesce(own.prefill_basis, other.prefill_basis), 'measured') then 'measured'
            else 'kernel'
        end as calibration
    from gpus
    left join efficiencies as own using (generation)
    left join efficiencies as other on other.generation = 'other'
    left join pcie_links as link using (generation)
    left join pcie_links as other_link on other_link.generation = 'ada'
)

from rated;
