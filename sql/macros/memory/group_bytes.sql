-- Bytes of one tensor group under a weight precision.
-- bits null keeps the checkpoint as it is; else the group's linear matrices are stored in bits per weight (scales included). The
-- rest keeps its bytes where the checkpoint is 16 bit, and counts 2 bytes a parameter where it is quantized already.
-- Units: bytes, parameters, bits.
-- Source: what quantized publications leave in 16 bit (embeddings, norms, routers, biases, towers).
-- Example: group_bytes(2000, 1000, 900, null, true) = 2000
-- Example: group_bytes(2000, 1000, 900, 4.16e0, true) = 668
-- Example: group_bytes(700, 1000, 900, 8, false) = 1100
create or replace macro group_bytes(native_bytes, parameters, linear_parameters, bits, checkpoint_is_16bit) as
    case
        when bits is null then native_bytes
        when checkpoint_is_16bit then native_bytes - 2 * linear_parameters + linear_parameters * bits / 8
        else 2 * (parameters - linear_parameters) + linear_parameters * bits / 8
    end;
