-- How far a layout comes before the others of the same machines, whatever its speed: ample memory before tight, then no pipeline
-- stages inside a machine whose accelerators all have a direct link (direct_links names the kinds of such links): there tensor
-- and data parallel use all of them for every token, and stages are a last resort for what does not fit otherwise. Over PCIe
-- stages stand with the rest.
-- Units: rank, the highest first; stages, machines.
-- Source: vLLM parallelism and scaling guide: tensor parallel inside a machine; stages where the model divides unevenly or no
-- NVLink is there.
-- Example: layout_standing('fits', 1, 1, 'nvlink', ['nvlink']) = 3
-- Example: layout_standing('fits', 4, 1, 'nvlink', ['nvlink']) = 2
-- Example: layout_standing('tight', 1, 1, 'nvlink', ['nvlink']) = 1
-- Example: layout_standing('tight', 2, 1, 'nvlink', ['nvlink']) = 0
-- Example: layout_standing('fits', 4, 1, 'pcie', ['nvlink']) = 3
-- Example: layout_standing('fits', 2, 2, 'nvlink', ['nvlink']) = 3
-- Example: layout_standing('fits', 4, 2, 'nvlink', ['nvlink']) = 2
create or replace macro layout_standing(verdict, pp, nodes, interconnect_kind, direct_links) as
    2 * (verdict = 'fits')::integer
    + (not (pp > nodes and coalesce(list_contains(direct_links, interconnect_kind), false)))::integer;
