-- Speculative decoding as an option of a served load. Takes the name of a table with the columns of `served`, how many tokens a
-- draft proposes in a step, the share of them that the model accepts, and a drafting step's time as a share of the model's own,
-- and adds time per output token and output tokens per second. One step checks the drafted tokens and the model's own at once:
-- weights and KV cache are read once, arithmetic, experts touched and communication grow with the tokens checked. Memory of a
-- draft is not counted.
-- Example: from speculated('loads', 3, 0.7e0, 0.05e0)
create or replace macro speculated(loads, drafted, accepted_share, draft_share) as table
with

asked_loads as (
    from query_table(loads)
),

checked as (
    select
        *,
        decode_step_ms(
            part * (drafted + 1), matrices_ms, matrices_token_ms, experts_ms, experts_token_ms, expert_log_miss, expert_tokens,
            step_fixed_ms,
            communication_token_ms + (greatest(kv_read_ms, attention_ms * (drafted + 1)) + state_ms + request_ms) / (drafted + 1)
        ) as checking_ms
    from asked_loads
),

stepped as (
    select
        *,
        tpot_ms(
            (checking_ms + drafted * draft_share * decode_ms) / accepted_tokens(drafted, accepted_share), part, output_tokens,
            prompt_ms, phi
        ) as speculative_tpot_ms
    from checked
)

select
    *,
    output_tokens_per_s(requests, output_tokens, ttft_ms, speculative_tpot_ms) as speculative_output_tokens_per_s
from stepped
where fits;
