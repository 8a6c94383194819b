-- Layers charged for one kind of cache in a model that mixes kinds: kinds share pages in groups of one size, the count of the
-- rarer kind (of the more frequent one where the two counts differ by less than the tolerance), and the last group is filled up.
-- Units: layers.
-- Source: vLLM KV cache groups; gemma-3-27b (10 full, 52 sliding) is charged for 70 layers, 573,440 bytes a token.
-- Example: padded_layers(52, 10, 1.25e0) = 60
-- Example: padded_layers(10, 52, 1.25e0) = 10
-- Example: padded_layers(12, 13, 1.25e0) = 13
-- Example: padded_layers(32, 0, 1.25e0) = 32
create or replace macro padded_layers(layers, other_layers, tolerance) as
    case
        when layers = 0 or other_layers = 0 then layers::double
        when greatest(layers, other_layers) < least(layers, other_layers) * tolerance then greatest(layers, other_layers)::double
        else ceil(layers / least(layers, other_layers)::double) * least(layers, other_layers)
    end;
