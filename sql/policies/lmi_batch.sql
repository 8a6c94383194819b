-- Sequences of a length that the LMI guide finds room for beside the weights. The guide's own "96 - 26 = 66" is a slip of the
-- pen: its figures follow from 70.
-- Units: sequences; GB of 10^9 bytes; bytes a token; tokens.
-- Source: LMI instance type selection guide: about 20 and 40 on 96 GB, 49 and 98 on 192 GB.
-- Example: lmi_batch(96, 26, 819200, 4096) = 20
-- Example: lmi_batch(96, 26, 819200, 2048) = 41
-- Example: lmi_batch(192, 26, 819200, 4096) = 49
-- Example: lmi_batch(192, 26, 819200, 2048) = 98
-- Example: lmi_batch(16, 26, 819200, 2048) = 0
create or replace macro lmi_batch(memory_gb, weights_gb, kv_bytes, context) as
    greatest(0, floor((memory_gb - weights_gb) * 1e9 / (kv_bytes::double * context)))::bigint;
