-- Share of a link's bandwidth that collectives reach; over PCIe it falls with the degree.
-- Units: share.
-- Source: kernel measurements: L40S (2/tp)^1.1, RTX PRO 6000 (2/tp)^0.76; no fall over NVLink.
-- Example: link_efficiency(0.3e0, 0, 8) = 0.3
-- Example: link_efficiency(0.3e0, 1.1e0, 4) = 0.13995
create or replace macro link_efficiency(efficiency, tp_exponent, tp) as efficiency * pow(2e0 / greatest(tp, 2), tp_exponent);
