-- How near a weight precision is to what is there to be served: the checkpoint as it is published first, then what the engine
-- makes of it on loading or somebody is known to publish, last what somebody would have to make. A question that names no
-- precision is answered in the nearest that fits: a precision is a choice of quality, to be asked for rather than taken for its
-- price.
-- Units: rank, the lowest first.
-- Source: choice of the product.
-- Example: precision_standing('native', false, false) = 0
-- Example: precision_standing('fp8', true, false) = 1
-- Example: precision_standing('awq-4bit', false, true) = 1
-- Example: precision_standing('awq-4bit', false, false) = 2
create or replace macro precision_standing(quantization, engine_makes_it, checkpoint_is_known) as
    case
        when quantization = 'native' then 0
        when engine_makes_it or checkpoint_is_known then 1
        else 2
    end;
