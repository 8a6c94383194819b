-- Tokens of the largest image or video that an engine's profiling run sends through a model's encoder: whole images' worth of the
-- context, at least one image, at most what the processor makes of a video. Null for models whose encoder leaves no trace beside
-- the text model.
-- Units: tokens of the text model.
-- Source: vLLM encoder budget; Qwen2.5-VL-7B at 128,000 logs "a budget of 114688 tokens, profiled with 1 video items" (0.23.0).
-- Example: encoder_tokens(128000, 16384, 114688) = 114688
-- Example: encoder_tokens(40000, 16384, 114688) = 32768
-- Example: encoder_tokens(8192, 16384, 114688) = 16384
-- Example: encoder_tokens(8192, null, null) = null
create or replace macro encoder_tokens(context, image_tokens, most_tokens) as
    if(
        image_tokens is null,
        null,
        least(most_tokens, greatest(image_tokens, floor(context / image_tokens::double) * image_tokens))
    );
