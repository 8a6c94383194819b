-- GPUs over which whole groups of routed experts are spread, as the formulas of memory and speed count them: an engine that
-- splits the experts of each group by tp / ep holds the same bytes on every GPU as one that splits all experts by tp, which is ep
-- 1.
-- Units: GPUs.
-- Source: TensorRT-LLM and SGLang: moe_tp x moe_ep = tp; vLLM spreads experts over tp x dp GPUs or not at all.
-- Example: experts_apart(2, 4, true) = 1
-- Example: experts_apart(4, 4, true) = 4
-- Example: experts_apart(3, 4, true) = 3
-- Example: experts_apart(2, 4, false) = 2
create or replace macro experts_apart(ep, tp, splits_within_tp) as if(splits_within_tp and ep < tp and tp % ep = 0, 1, ep);
