"""The questions of a sizing: the sweep to be measured, what serves it, and the targets that the cluster is to meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from flows.size.endpoint import Api


class SizingError(ValueError):
    """A sizing was asked for in a way that has no answer; the message says what to give."""


@dataclass(frozen=True)
class ServedBy:
    """The model, GPUs and engine that served the sweep, where known; they tie it to the tables of models, GPUs and shapes.

    `test_gpu_count` are all GPUs that served it, `tp` the GPUs of one copy of the engine.
    """

    model_id: str | None = None
    gpu: str | None = None
    test_gpu_count: int | None = None
    tp: int | None = None
    quantization: str | None = None
    kv_dtype: str | None = None
    engine: str | None = None
    engine_version: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class MeasureConfig:
    """A sweep to be measured. `dataset` is the inputs' file or a YAML file that names it; `num_passes` 0 follows its size.

    The key for the endpoint is read from the environment variable `api_key_env` and kept nowhere.
    """

    endpoint: str
    dataset: Path
    concurrencies: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    num_passes: int = 0
    api: Api = "chat"
    model: str | None = None
    max_tokens: int | None = None
    endpoint_timeout: float = 300.0
    retries: int = 0
    dataset_field: str | None = None
    input_field: str = "input_message"
    api_key_env: str = "OPENAI_API_KEY"
    append: bool = False
    subject: ServedBy = field(default_factory=ServedBy)


@dataclass(frozen=True)
class SizingConfig:
    """The targets: seconds at the 95th percentile (0 to ignore) and users at once; and the GPUs that served the sweep.

    `test_gpu_count`, `gpus_per_replica` and `gpu` default to what the sweep was recorded with. `append` keeps the estimates
    of earlier targets beside this one's.
    """

    target_users: int = 0
    target_workflow_runtime: float = 0.0
    target_llm_latency: float = 0.0
    test_gpu_count: int | None = None
    gpus_per_replica: int | None = None
    gpu: str | None = None
    append: bool = False
