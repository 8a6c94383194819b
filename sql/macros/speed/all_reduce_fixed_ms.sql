-- Part of a step's communication that does not depend on its tokens: two all-reduces a layer, each log2(tp) hops.
-- Units: ms; alpha_us in microseconds.
-- Source: fitted to measured runs over NVLink (1.9 us), kernel measurements over PCIe (8.2 us).
-- Example: all_reduce_fixed_ms(1, 32, 1.9e0) = 0
-- Example: all_reduce_fixed_ms(8, 32, 1.9e0) = 0.3648
create or replace macro all_reduce_fixed_ms(tp, layers, alpha_us) as 2 * layers * alpha_us * log2(tp) / 1000;
