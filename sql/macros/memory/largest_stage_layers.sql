-- Layers of the pipeline stage that holds most of them.
-- Units: layers.
-- Source: vLLM divides layers evenly and gives what is left to stages before the last.
-- Example: largest_stage_layers(61, 2) = 31
create or replace macro largest_stage_layers(layers, pp) as ceil(layers / pp::double);
