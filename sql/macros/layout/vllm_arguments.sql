-- The arguments to paste after `vllm serve` for a layout. The share of the memory, the sequences and the tokens of a step are
-- the newest engine's defaults on the card, said aloud because they differ by release and card and the fit was estimated at
-- them. Both counts are of one replica.
-- Units: GPUs, stages, replicas; tokens; sequences.
-- Source: vLLM engine arguments.
-- Example: vllm_arguments(1, 1, 1, 1, 8192, 1024, 8192, null, null, false) = '--max-model-len 8192 --max-num-seqs 1024 --max-num-batched-tokens 8192 --gpu-memory-utilization 0.92'
-- Example: vllm_arguments(4, 2, 1, 1, 8192, 256, 2048, '--quantization fp8', '--kv-cache-dtype fp8', true) = '--tensor-parallel-size 4 --pipeline-parallel-size 2 --max-model-len 8192 --max-num-seqs 256 --max-num-batched-tokens 2048 --gpu-memory-utilization 0.92 --quantization fp8 --kv-cache-dtype fp8 --dtype half'
-- Example: vllm_arguments(1, 1, 8, 8, 8192, 1024, 8192, null, null, false) = '--data-parallel-size 8 --enable-expert-parallel --max-model-len 8192 --max-num-seqs 1024 --max-num-batched-tokens 8192 --gpu-memory-utilization 0.92'
create or replace macro vllm_arguments(
    tp, pp, dp, ep, context, max_num_seqs, max_num_batched_tokens, quantization_arguments, kv_arguments, serves_half
) as
    concat_ws(
        ' ',
        if(tp > 1, format('--tensor-parallel-size {}', tp), null),
        if(pp > 1, format('--pipeline-parallel-size {}', pp), null),
        if(dp > 1, format('--data-parallel-size {}', dp), null),
        if(ep > 1, '--enable-expert-parallel', null),
        format('--max-model-len {}', context),
        format('--max-num-seqs {}', max_num_seqs),
        format('--max-num-batched-tokens {}', max_num_batched_tokens),
        format(
            '--gpu-memory-utilization {}',
            (
                select settings.gpu_memory_utilization
                from engine_settings as settings
                where settings.engine = 'vllm' and settings.is_newest
            )
        ),
        quantization_arguments,
        kv_arguments,
        if(serves_half, '--dtype half', null)
    );
