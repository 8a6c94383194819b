-- Peak of one forward pass over the tokens of an engine step.
-- Units: bytes; the factors count copies of the feed-forward and of the hidden width, 2 bytes a value.
-- Source: fit over 54 start-up logs: 3 x intermediate/tp + 4.3 x hidden.
-- Example: forward_bytes(8192, 18944, 3584, 1, 3, 4.3e0) = 1183645696
create or replace macro forward_bytes(tokens, intermediate_size, hidden_size, tp, intermediate_factor, hidden_factor) as
    2e0 * tokens * (intermediate_factor * intermediate_size / tp + hidden_factor * hidden_size);
