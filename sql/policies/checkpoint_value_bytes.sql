-- Bytes of one value in the checkpoint's own precision as its config names it; 2 where it names a quantized one.
-- Units: bytes.
-- Source: safetensors and torch dtypes.
-- Example: checkpoint_value_bytes('bfloat16') = 2
-- Example: checkpoint_value_bytes('float32') = 4
create or replace macro checkpoint_value_bytes(checkpoint_dtype) as
    case when checkpoint_dtype in ('float32', 'F32') then 4 when checkpoint_dtype in ('float64', 'F64') then 8 else 2 end;
