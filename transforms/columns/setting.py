"""Columns of the catalogs of engines, precisions, policies and loads."""

from __future__ import annotations

from transforms.columns.field import Field

SETTING_COLUMNS: dict[str, Field] = {
    "engine": Field("VARCHAR", "vllm, sglang or trtllm"),
    "engine_version": Field("VARCHAR", "release of the engine"),
    "version_from": Field("VARCHAR", "first release for which the row holds"),
    "version_below": Field("VARCHAR", "first release for which it no longer holds; null for the newest"),
    "quantization": Field("VARCHAR", "weight precision: native, bf16, fp8, int8, awq-4bit, …"),
    "kv_dtype": Field("VARCHAR", "KV cache precision: auto (16 bit), bf16, fp8"),
    "kv_bytes_factor": Field("DOUBLE", "bytes of a KV value over the two of 16 bit", "ratio"),
    "bits_per_weight": Field("DOUBLE", "stored bits of a quantized weight with scales and zero points", "bits"),
    "weight_bytes": Field("DOUBLE", "bytes of a weight as read", "bytes"),
    "applies_to": Field("VARCHAR", "linear (all quantizable groups) or experts (routed experts in MoE models)"),
    "min_capability": Field("DOUBLE", "least CUDA compute capability that loads it"),
    "max_capability": Field("DOUBLE", "greatest CUDA compute capability that runs it; null for no limit"),
    "amd_supported": Field("BOOLEAN", "whether AMD data-centre cards run it"),
    "arithmetic": Field("VARCHAR", "precision of the arithmetic where the card has it: 16bit, fp8, int8, fp4"),
    "shard_multiple": Field(
        "INTEGER", "a GPU's share of a feed-forward width must be a multiple of this; null for no such demand", "weights"
    ),
    "speed_class": Field("VARCHAR", "row of the speed coefficients: 16bit, 8bit, nvfp4, w4a16"),
    "nightly": Field("BOOLEAN", "whether the nightly grid evaluates it"),
    "quality_rank": Field("INTEGER", "order of expected answer quality, 1 is best"),
    "known_loss": Field("VARCHAR", "what is known of the quality that the precision costs; null for nothing"),
    "loss_source": Field("VARCHAR", "where that was measured, and on what"),
    "engine_arguments": Field("VARCHAR", "flags that the engine needs for it"),
    "policy": Field(
        "VARCHAR", "vllm, aqua, kaito, lmi or config_recommender; in the catalog also estimate, publish, catalogs and crawl"
    ),
    "key": Field("VARCHAR", "name of the setting or class"),
    "scope": Field("VARCHAR", "kind of the coefficient"),
    "value": Field("DOUBLE", "value of the setting"),
    "unit": Field("VARCHAR", "unit of the value"),
    "basis": Field("VARCHAR", "what the value rests on"),
    "context": Field("BIGINT", "prompt and answer tokens of one sequence (max_model_len)", "tokens"),
    "workload": Field("VARCHAR", "name of the workload"),
    "input_tokens": Field("BIGINT", "prompt tokens of a request", "tokens"),
    "output_tokens": Field("BIGINT", "answer tokens of a request", "tokens"),
    "cached_share": Field("DOUBLE", "share of the prompt found in the prefix cache", "share"),
    "target_ttft_ms": Field("DOUBLE", "bound on the time to the first token", "ms"),
    "target_tpot_ms": Field("DOUBLE", "bound on the time per output token", "ms"),
    "method": Field("VARCHAR", "quantization method"),
    "target": Field("VARCHAR", "accelerator generation"),
    "supported": Field("VARCHAR", "yes, no, weight-only or emulated"),
    "mode": Field("VARCHAR", "how the method runs there"),
    "bits": Field("VARCHAR", "bits as the engine documents them", "bits"),
    "scheme": Field("VARCHAR", "scheme as the engine documents it"),
    "versions": Field("VARCHAR", "releases of the engine that the row describes"),
    "cost_rank": Field("INTEGER", "place by cost, 1 is cheapest"),
    "performance_rank": Field("INTEGER", "place by speed, 1 is fastest"),
    "balanced_rank": Field("INTEGER", "place by speed per dollar, 1 is best"),
}
