-- Memory outside the framework's allocator: context, libraries and, on more than one GPU, communication buffers.
-- Units: GiB.
-- Source: start-up logs: 0.25 on one GPU, 2.1 over NVLink and 0.2 to 0.4 over PCIe from vLLM 0.18.
-- Example: non_torch_gib(1, null, 0.25e0, 2.1e0, 0.3e0) = 0.25
-- Example: non_torch_gib(4, 'nvlink', 0.25e0, 2.1e0, 0.3e0) = 2.1
-- Example: non_torch_gib(4, 'pcie', 0.25e0, 2.1e0, 0.3e0) = 0.3
create or replace macro non_torch_gib(gpus, interconnect_kind, single_gib, nvlink_gib, pcie_gib) as
    case when gpus <= 1 then single_gib when interconnect_kind = 'pcie' then pcie_gib else nvlink_gib end;
