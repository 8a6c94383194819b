"""What the Config Recommender is asked about: models and GPUs, as its JSON files or the same as Python objects."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import polars as pl

GPU_SCHEMA = {
    "name": pl.String(),
    "memory_gb": pl.Float64(),
    "memory_bandwidth_gb_s": pl.Float64(),
    "tflops_fp16": pl.Float64(),
    "tflops_fp32": pl.Float64(),
    "cost_per_hour": pl.Float64(),
}
"""The fields of a GPU file and of the table that the policy's macro reads; GB is 10^9 bytes, cost in USD."""

MODEL_SCHEMA = {
    "architecture_key": pl.String(),
    "parameters_total": pl.Int64(),
    "parameters_active": pl.Int64(),
    "kv_bytes_per_token": pl.Int64(),
    "hidden_size": pl.Int64(),
}
"""What the policy's macro reads of a model; the key is its name."""

_WHOLE_MODEL = ("num_parameters", "num_layers", "hidden_size", "num_attention_heads")
"""What must be stated of a model that is looked up nowhere."""

_CACHE = ("num_layers", "hidden_size", "num_attention_heads", "num_kv_heads")
_LARGEST = 2**31
_MOST_PARAMETERS = 10**6
"""Bounds of stated sizes (a million billion parameters): far above any model, and no product overflows."""


class RecommenderFileError(ValueError):
    """A model or GPU, or a file of them, that cannot be read as one; the message names the entry."""


@dataclass(frozen=True)
class ModelArchitecture:
    """A model by its Hugging Face id, and what is known better than its files say (or, with sizes stated whole, any model).

    num_parameters is in billions, the rest are counts; max_sequence_length is the sequence length that is asked about where the
    question states none. Stating layers, hidden size or heads means a plain attention cache of 2 × layers × KV heads × head size.
    """

    name: str
    num_parameters: float | None = None
    num_layers: int | None = None
    hidden_size: int | None = None
    num_attention_heads: int | None = None
    num_kv_heads: int | None = None
    vocab_size: int | None = None
    max_sequence_length: int | None = None

    def is_whole(self) -> bool:
        """Whether the statement alone says enough, so that the model need not be looked up."""
        return all(getattr(self, name) is not None for name in _WHOLE_MODEL)


@dataclass(frozen=True)
class GPUSpec:
    """A GPU: memory in GB (10^9 bytes), bandwidth in GB/s, dense peak rates in TFLOPS, cost in USD per hour."""

    name: str
    memory_gb: float
    memory_bandwidth_gb_s: float
    tflops_fp16: float
    tflops_fp32: float | None = None
    cost_per_hour: float | None = None


def parse_models(text: str, file: str) -> tuple[ModelArchitecture, ...]:
    """The models of a models file, a JSON list of objects with the fields of ModelArchitecture. Raises RecommenderFileError."""
    entries = _entries(text, file, {field.name for field in fields(ModelArchitecture)})
    models = [ModelArchitecture(**{"name": "", **entry}) for entry in entries]
    return checked_models(dict.fromkeys(models), f"{file}, model")


def parse_gpus(text: str, file: str) -> tuple[GPUSpec, ...]:
    """The GPUs of a GPU file, a JSON list of objects with the fields of GPUSpec. Raises RecommenderFileError."""
    needed = dict.fromkeys(("name", "memory_gb", "memory_bandwidth_gb_s", "tflops_fp16"))
    gpus = [GPUSpec(**{**needed, **entry}) for entry in _entries(text, file, set(GPU_SCHEMA))]
    return checked_gpus(gpus, f"{file}, GPU")


def checked_models(models: Iterable[ModelArchitecture], where: str = "model") -> tuple[ModelArchitecture, ...]:
    """The models if they can be asked about. Raises RecommenderFileError for the first that cannot."""
    found = tuple(models)
    if not found:
        raise RecommenderFileError(f"{where}: at least one is needed")
    for number, model in enumerate(found, 1):
        here = f"{where} {number}"
        _check_text(model.name, "name", here)
        _check_number(model.num_parameters, "num_parameters", here, math.ulp(0), _MOST_PARAMETERS)
        for name in (*_CACHE, "vocab_size", "max_sequence_length"):
            _check_count(getattr(model, name), name, here)
    names = [model.name for model in found]
    _refuse_repeated(names, where)
    return found


def checked_gpus(gpus: Iterable[GPUSpec], where: str = "GPU") -> tuple[GPUSpec, ...]:
    """The GPUs if they can be asked about. Raises RecommenderFileError for the first that cannot."""
    found = tuple(gpus)
    if not found:
        raise RecommenderFileError(f"{where}: at least one is needed")
    for number, gpu in enumerate(found, 1):
        here = f"{where} {number}"
        _check_text(gpu.name, "name", here)
        for name in ("memory_gb", "memory_bandwidth_gb_s", "tflops_fp16"):
            _check_number(getattr(gpu, name), name, here, math.ulp(0), math.inf, needed=True)
        _check_number(gpu.tflops_fp32, "tflops_fp32", here, math.ulp(0), math.inf)
        _check_number(gpu.cost_per_hour, "cost_per_hour", here, 0, math.inf)
    _refuse_repeated([gpu.name for gpu in found], where)
    return found


def gpu_table(gpus: Sequence[GPUSpec]) -> pl.DataFrame:
    """The GPUs as the table that the policy's macro reads."""
    return pl.DataFrame([asdict(gpu) for gpu in gpus], schema=GPU_SCHEMA, orient="row")


def catalog_gpus(gpus: pl.DataFrame, cheapest: pl.DataFrame, bytes_per_gib: float = 2**30 / 1e9) -> tuple[GPUSpec, ...]:
    """The gpus catalog in the tool's terms: those with known rates, at the cheapest catalogued price of one.

    `cheapest` has gpu and cheapest_usd_per_gpu_hour. Rates in 32 bit are not catalogued.
    """
    rows = (
        gpus.join(cheapest, on="gpu", how="left", maintain_order="left")
        .select(
            name="gpu",
            memory_gb=pl.col("memory_gib") * bytes_per_gib,
            memory_bandwidth_gb_s="memory_bandwidth_gb_per_s",
            tflops_fp16="fp16_tflops",
            cost_per_hour="cheapest_usd_per_gpu_hour",
        )
        .drop_nulls(["memory_gb", "memory_bandwidth_gb_s", "tflops_fp16"])
    )
    return tuple(GPUSpec(**row) for row in rows.iter_rows(named=True))


def model_table(models: Sequence[ModelArchitecture], known: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """What the policy's macro reads of each model, by name: as stated where the model says so, else as `known`.

    `known` holds rows of `architectures` by model id. A model that is neither whole nor known is left out.
    """
    rows = [_model_row(model, known.get(model.name)) for model in models if model.is_whole() or model.name in known]
    return pl.DataFrame(rows, schema=MODEL_SCHEMA, orient="row")


def _model_row(model: ModelArchitecture, known: Mapping[str, Any] | None) -> dict[str, object]:
    facts = dict(known or {})
    total, active = facts.get("parameters_total"), facts.get("parameters_active")
    if model.num_parameters is not None:
        stated = round(model.num_parameters * 1e9)
        active = round(stated * active / total) if total and active else stated
        total = stated
    return {
        "architecture_key": model.name,
        "parameters_total": total,
        "parameters_active": active,
        "kv_bytes_per_token": _cache_bytes(model, facts),
        "hidden_size": model.hidden_size or facts.get("hidden_size"),
    }


def _cache_bytes(model: ModelArchitecture, facts: Mapping[str, Any]) -> int:
    """Bytes of one token's keys and values at 16 bit; by the plain formula where the statement touches what it rests on."""
    if facts and all(getattr(model, name) is None for name in _CACHE):
        return int(facts["kv_bytes_per_token"])
    layers = model.num_layers or int(facts.get("attention_layers") or facts.get("layers") or 0)
    heads = model.num_attention_heads or int(facts.get("attention_heads") or 1)
    hidden = model.hidden_size or int(facts["hidden_size"])
    split_anew = model.hidden_size is not None or model.num_attention_heads is not None
    head_size = hidden // heads if split_anew or not facts.get("head_dim") else int(facts["head_dim"])
    known_kv_heads = None if model.num_attention_heads is not None else facts.get("kv_heads")
    kv_heads = model.num_kv_heads or int(known_kv_heads or heads)
    return 2 * 2 * layers * kv_heads * head_size


def _entries(text: str, file: str, known: set[str]) -> list[dict[str, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecommenderFileError(f"{file} is not JSON: {error}") from None
    if not isinstance(document, list) or not document or not all(isinstance(entry, dict) for entry in document):
        raise RecommenderFileError(f"{file}: a list of objects is needed")
    for number, entry in enumerate(document, 1):
        unknown = sorted(set(entry) - known)
        if unknown:
            raise RecommenderFileError(f"{file}, entry {number}: no such field {unknown[0]} (known: {', '.join(sorted(known))})")
        nested = sorted(name for name, value in entry.items() if isinstance(value, list | dict))
        if nested:
            raise RecommenderFileError(f"{file}, entry {number}: {nested[0]} is no single value")
    return document


def _check_text(value: object, name: str, where: str) -> None:
    if not isinstance(value, str) or not value:
        raise RecommenderFileError(f"{where}: {name} is missing")


def _check_count(value: object, name: str, where: str) -> None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST):
        return
    raise RecommenderFileError(f"{where}: {name} must be a whole number above 0, not {json.dumps(value, default=str)[:40]}")


def _check_number(value: object, name: str, where: str, least: float, most: float, needed: bool = False) -> None:
    if value is None and not needed:
        return
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not least <= number <= most or not math.isfinite(number):
        raise RecommenderFileError(f"{where}: {name} must be a positive number, not {json.dumps(value, default=str)[:40]}")


def _refuse_repeated(names: Sequence[str], where: str) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise RecommenderFileError(f"{where}: two are called {repeated}")
