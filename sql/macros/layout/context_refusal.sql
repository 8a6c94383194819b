-- Why an engine refuses a context, or null: it accepts none beyond the longest that it derives from the config.
-- Units: tokens.
-- Source: vLLM, config/model.py, _get_and_verify_max_len: it ends unless VLLM_ALLOW_LONG_MAX_MODEL_LEN is set.
-- Example: context_refusal(131072, 32768) = 'a max_model_len of 131072 is longer than the 32768 tokens that the model takes'
-- Example: context_refusal(32768, 32768) = null
create or replace macro context_refusal(context, longest) as
    if(
        context > longest,
        format('a max_model_len of {} is longer than the {} tokens that the model takes', context, longest),
        null
    );
