"""The report of the AQUA shape recommendation tool: its JSON structure and its wording, from the aqua policy's own figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NOT_SAFETENSORS = (
    "Please provide a model in Safetensor format. The current model format ({found}) is not supported by this tool at this time."
)
NOT_A_DECODER = (
    "Please provide a decoder-only text-generation model (ex. Llama, Falcon, etc). Encoder-decoder models (ex. T5, Gemma) and "
    "encoder-only (BERT) are not supported in this tool at this time."
)

_NOT_DECODERS = ("encoder_decoder", "encoder_only", "embedding", "speech", "not_a_language_model")


def aqua_report(rows: Sequence[Mapping[str, object]], troubleshoot: str = "") -> dict[str, object]:
    """The report as the tool's JSON.

    Each row is one shape with the first configuration that fits it: shape, accelerator, gpu_count, memory_gb (all GPUs),
    quantization_methods (separated by |), cost_rank_value, performance_rank_value, quantization (the tool's word: bfloat16,
    8bit, 4bit), smaller_quantizations (separated by |), context, batch_size, weights_gb, kv_cache_gb, close_to_limit, limited_by
    (weights, kv_cache, both). GB is 10^9 bytes.
    """
    return {"recommendations": [_shape(row) for row in rows], "troubleshoot": troubleshoot}


def troubleshoot(code: str, message: str) -> str:
    """What the tool says of a model that it does not take; our own message where it has no words for the case."""
    if code == "gguf_only":
        return NOT_SAFETENSORS.format(found="gguf")
    return NOT_A_DECODER if code in _NOT_DECODERS else message


def _shape(row: Mapping[str, object]) -> dict[str, object]:
    return {
        "shape_details": {
            "core_count": None,
            "memory_in_gbs": None,
            "name": row["shape"],
            "shape_series": "GPU",
            "gpu_specs": {
                "gpu_memory_in_gbs": _whole(row["memory_gb"]),
                "gpu_count": _whole(row["gpu_count"]),
                "gpu_type": row["accelerator"],
                "quantization": _listed(row["quantization_methods"]),
                "ranking": {"cost": row["cost_rank_value"], "performance": row["performance_rank_value"]},
            },
        },
        "configurations": [
            {
                "model_details": {
                    "model_size_gb": round(_number(row["weights_gb"]), 3),
                    "kv_cache_size_gb": round(_number(row["kv_cache_gb"]), 3),
                    "total_model_gb": round(_number(row["weights_gb"]) + _number(row["kv_cache_gb"]), 3),
                },
                "deployment_params": {
                    "quantization": row["quantization"],
                    "max_model_len": row["context"],
                    "batch_size": row["batch_size"],
                },
                "recommendation": recommendation(row),
            }
        ],
    }


def recommendation(row: Mapping[str, object]) -> str:
    """The tool's sentence on one configuration: it fits well, or it is close to the limit and what would relieve it."""
    used = _number(row["weights_gb"]) + _number(row["kv_cache_gb"])
    figures = f"({used:.1f}GB used / {_number(row['memory_gb']):.1f}GB allowed)"
    if not row["close_to_limit"]:
        return (
            f"Model fits well within the allowed compute shape {figures}.\n"
            f"(Batch size: {row['batch_size']}, seq len: {row['context']}, quantization/weight size: {row['quantization']})."
        )
    return (
        f"While the selected compute shape is estimated to work {figures}, the model configuration is close to the GPU memory "
        "limit. This estimation is theoretical; actual memory usage may vary at runtime.\n\n"
        "If you encounter issues with this shape, consider the following options to reduce memory usage:\n\n"
        f"{_relief(row)}"
    )


def _relief(row: Mapping[str, object]) -> str:
    parts = f"(KV cache: {_number(row['kv_cache_gb']):.1f}GB, Weights: {_number(row['weights_gb']):.1f}GB)."
    smaller = _listed(row["smaller_quantizations"])
    lighter = (
        f"Use the same model with {', '.join(smaller)} quantization, which is smaller than the current quantization/weight size: "
        f"{row['quantization']}."
        if smaller
        else "No smaller quantized version exists. Use a model with fewer parameters."
    )
    reduce_model = f"To reduce model size:\n1. Use a model with fewer parameters.\n2. {lighter}"
    reduce_cache = (
        "To reduce KV cache size:\n"
        f"1. Set --max-model-len below {row['context']}.\n"
        f"2. Serve fewer than {_number(row['batch_size']):.0f} sequences at once, where there are several."
    )
    if row["limited_by"] == "weights":
        return f"Model weights are the main limiting factor. {parts}\n{reduce_model}"
    if row["limited_by"] == "kv_cache":
        return f"KV cache is the main limiting factor. {parts}\n{reduce_cache}"
    return f"Both model weights and KV cache are significant contributors to memory use. {parts}\n\n{reduce_model}"


def _listed(text: object) -> list[str]:
    return [entry for entry in str(text or "").split("|") if entry]


def _number(value: object) -> float:
    return float(str(value))


def _whole(value: object) -> int | float:
    number = _number(value)
    return int(number) if number.is_integer() else number
