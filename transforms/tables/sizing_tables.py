"""Tables of measured concurrency sweeps and of what is fitted to them."""

from __future__ import annotations

from transforms.tables.table import table

SIZING = (
    table(
        "sweeps",
        "one measured or imported concurrency sweep: what was measured, and on what",
        """run run_group sweep_source api? served_model? model_id? gpu? test_gpu_count? tp? quantization? kv_dtype? engine?
        engine_version? started_at note?""",
        "run",
    ),
    table(
        "sweep_levels",
        "one concurrency of one sweep as it was sent",
        "run concurrency passes planned_items started_at total_runtime_s? workflow_interrupted",
        "run concurrency",
    ),
    table(
        "requests",
        "one request of a sweep",
        """run concurrency pass_number item call request_kind start_s first_token_s? last_token_s? end_s request_input_tokens?
        request_output_tokens? request_status http_status? error?""",
        "run concurrency item call",
    ),
    table(
        "workflow_items",
        "one workflow item of a sweep: one input and its answer, by one or more language-model calls",
        """run concurrency pass_number item dataset_item start_s? end_s? workflow_runtime_s llm_latency_s?
        request_status error?""",
        "run concurrency item",
    ),
    table(
        "measurements",
        "one concurrency of one sweep and the times that were measured there",
        """run concurrency passes? items? failed_items? p95_llm_latency_s? p95_workflow_runtime_s? total_runtime_s? ttft_ms?
        tpot_ms? output_tokens_per_s? mean_input_tokens? mean_output_tokens? workflow_interrupted""",
        "run concurrency",
    ),
    table(
        "sizing",
        "one target of one sweep and the GPUs that would meet it",
        """metric target_s? target_users? test_gpu_count? points outliers slope_s? intercept_s? r_squared? required_concurrency?
        proven_concurrency? line_gpus? knee_concurrency? knee_base_s? knee_slope_s? knee_r_squared? knee_gpus? fit?
        gpus? gpus_low? gpus_high? whole_gpus? proven_gpus? gpus_per_replica sizing_status""",
        "metric",
    ),
)
