-- KV cache of a token as the LMI guide counts it: all heads, whatever the model shares.
-- Units: bytes.
-- Source: LMI instance type selection guide: 2 x 2 x 5120 x 40 = 819,200 for Llama-2-13B.
-- Example: lmi_kv_bytes_per_token(2, 40, 5120) = 819200
create or replace macro lmi_kv_bytes_per_token(value_bytes, layers, hidden_size) as
    2::bigint * value_bytes * layers * hidden_size;
