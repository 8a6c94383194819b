-- Peak of the sampler: its copies of one row of logits for every sequence scheduled at once.
-- Units: bytes.
-- Source: fit over 54 start-up logs: 38.7 bytes up to vLLM 0.16, 15.3 from 0.17; not divided by tp.
-- Example: sampler_bytes(15.3e0, 1024, 152064) = 2382417715.2
create or replace macro sampler_bytes(bytes_per_sequence_and_token, max_num_seqs, vocab_size) as
    bytes_per_sequence_and_token * max_num_seqs * vocab_size;
