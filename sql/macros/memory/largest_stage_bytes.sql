-- Bytes on a GPU of the largest pipeline stage. The first stage holds the embedding (and towers), the last the output head; a
-- tied head is a second copy of the embedding there. Layers that do not divide go to stages before the last.
-- Units: bytes of one GPU; layer_bytes is all layers' share of one GPU at one stage.
-- Source: vLLM stage division; Llama-3.1-8B on 4 stages: 4.26 against 3.75 when divided evenly.
-- Example: largest_stage_bytes(3200, 32, 1, 100, 90, 50) = 3390
-- Example: largest_stage_bytes(3200, 32, 4, 100, 90, 50) = 900
-- Example: largest_stage_bytes(3200, 32, 3, 100, 400, 50) = 1400
create or replace macro largest_stage_bytes(layer_bytes, layers, pp, first_bytes, last_bytes, tied_bytes) as
    case
        when pp = 1 then layer_bytes + first_bytes + last_bytes
        else greatest(
            first_bytes + layer_bytes * (floor(layers / pp::double) + (layers % pp = pp - 1)::integer) / layers,
            layer_bytes * ceil(layers / pp::double) / layers,
            greatest(last_bytes, tied_bytes) + layer_bytes * floor(layers / pp::double) / layers
        )
    end;
