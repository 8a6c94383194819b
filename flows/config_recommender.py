"""The Config Recommender's way of asking: models and GPUs as its JSON files or as Python objects, its report out.

From the command line `shapefit recommend --policy config_recommender`; from Python the tool's own names:

    from flows.config_recommender import GPURecommender, GPUSpec, ModelArchitecture

    result = GPURecommender(latency_bound_ms=10).recommend_gpu(ModelArchitecture("Qwen/Qwen2.5-7B"), [GPUSpec(…)])
    result.recommended_gpu, result.performance.tokens_per_second, result.reasoning
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.ask.estimate_database import estimating
from flows.ask.model_facts import find_models
from flows.database.sql_files import fetch
from flows.lake.catalogs import load_catalogs
from flows.printing.rows import Format, OutputError, emit, form_of, rows_of_records, write_object
from flows.system.whole_file import write_whole
from transforms.asking.config_recommender import OBJECTIVES, PRECISION_BYTES, RecommendationResult, recommendation, refused
from transforms.asking.config_recommender_files import (
    GPUSpec,
    ModelArchitecture,
    RecommenderFileError,
    catalog_gpus,
    checked_gpus,
    checked_models,
    gpu_table,
    model_table,
    parse_gpus,
    parse_models,
)
from transforms.asking.configured_gpus import cheapest_per_gpu

if TYPE_CHECKING:
    import duckdb

__all__ = ["GPURecommender", "GPUSpec", "ModelArchitecture", "RecommendationResult", "print_gpus", "read_gpus", "read_models"]

_ASKED = "recommend/config_recommender.sql"


@dataclass(frozen=True)
class GPURecommender:
    """The conditions of a recommendation; None takes the policy's setting (one sequence of 2,048 tokens at 16 bit).

    latency_bound_ms is per token; precision is fp32, fp16, bf16, fp8 or int8; objective is performance (the tool's own: the
    fastest, cost as the tie-breaker), cost or balanced; data is where models are looked up first.
    """

    latency_bound_ms: float | None = None
    batch_size: int | None = None
    sequence_length: int | None = None
    precision: str | None = None
    objective: str = "performance"
    data: Path = Path("data")

    def recommend_gpu(self, model: ModelArchitecture, available_gpus: Sequence[GPUSpec] | None = None) -> RecommendationResult:
        """The best GPU for a model among those given (None: the catalogued ones). Raises RecommenderFileError for bad values."""
        return self.recommend_for_models([model], available_gpus)[0]

    def recommend_for_models(
        self, models: Sequence[ModelArchitecture], available_gpus: Sequence[GPUSpec] | None = None
    ) -> list[RecommendationResult]:
        """The answer for each model, in order; one that has no estimate says why. Raises RecommenderFileError for bad values."""
        if self.objective not in OBJECTIVES or self.precision not in (None, *PRECISION_BYTES):
            known = f"objectives {', '.join(OBJECTIVES)}; precisions {', '.join(PRECISION_BYTES)}"
            raise RecommenderFileError(f"no objective {self.objective} or precision {self.precision} (known: {known})")
        asked = checked_models(models)
        catalogs = load_catalogs()
        if available_gpus is None:
            available_gpus = catalog_gpus(catalogs["gpus"], cheapest_per_gpu(catalogs["shapes"], catalogs["prices"]))
        facts = find_models([model.name for model in asked if not model.is_whole()], self.data)
        keys = dict(facts.models.select("model_id", "architecture_key").iter_rows())
        by_key = {row["architecture_key"]: row for row in facts.architectures.iter_rows(named=True)}
        table = model_table(asked, {model: by_key[key] for model, key in keys.items()})
        messages = dict(facts.rejects.select("model_id", "message").iter_rows())
        with estimating(facts, catalogs, [_ASKED]) as connection:
            connection.register("accelerators", gpu_table(checked_gpus(available_gpus)))
            connection.register("given_models", table)
            answered = set(table["architecture_key"])
            return [
                recommendation(model.name, self._rows(connection, model), self.latency_bound_ms, self.objective, self.precision)
                if model.name in answered
                else refused(model.name, messages[model.name])
                for model in asked
            ]

    def _rows(self, connection: duckdb.DuckDBPyConnection, model: ModelArchitecture) -> list[dict[str, Any]]:
        question: dict[str, object] = {
            "model": model.name,
            "weight_bytes": PRECISION_BYTES[self.precision] if self.precision else None,
            "batch_size": self.batch_size,
            "sequence_length": self.sequence_length or model.max_sequence_length,
            "latency_bound_ms": self.latency_bound_ms,
            "objective": self.objective,
        }
        return fetch(connection, _ASKED, question).records()


def print_gpus(
    recommender: GPURecommender, models: Sequence[ModelArchitecture], gpus: Path | None, form: Format | None, output: Path | None
) -> int:
    """Print the report as JSON (other forms: one row for each model and GPU), or write it; 1 when a model has no GPU."""
    if output is not None and form_of(output) == "parquet":
        raise OutputError(f"the report of this policy is JSON, or rows as .csv, .md or .txt: {output} is none")
    results = recommender.recommend_for_models(models, read_gpus(gpus) if gpus else None)
    report = {"recommendations": [result.to_dict() for result in results]}
    if output is not None and form_of(output) == "json":
        write_whole(output, json.dumps(report, indent=2, ensure_ascii=False).encode() + b"\n")
    elif output is None and form in (None, "json"):
        write_object(report)
    else:
        rows = [row for result in results for row in _rows_of(result)]
        emit(rows_of_records(rows, tuple(dict.fromkeys(name for row in rows for name in row))), form, output)
    without = [result for result in results if result.recommended_gpu is None]
    for result in without:
        named = result.model_name in result.reasoning
        print(f"shapefit: {result.reasoning if named else f'{result.model_name}: {result.reasoning}'}", file=sys.stderr)
    return 1 if without else 0


def read_models(path: Path) -> tuple[ModelArchitecture, ...]:
    """The models of a models file. Raises RecommenderFileError."""
    return parse_models(_read(path), path.name)


def read_gpus(path: Path) -> tuple[GPUSpec, ...]:
    """The GPUs of a GPU file. Raises RecommenderFileError."""
    return parse_gpus(_read(path), path.name)


def _rows_of(result: RecommendationResult) -> list[dict[str, object]]:
    rows = [entry | {"reason": None} for entry in result.all_compatible_gpus] + list(result.incompatible_gpus)
    head = {"model_name": result.model_name}
    compatible = len(result.all_compatible_gpus)
    if not rows:
        return [head | {"gpu_name": None, "is_compatible": False, "reason": result.reasoning}]
    return [head | {"gpu_name": row["gpu_name"], "is_compatible": place < compatible} | row for place, row in enumerate(rows)]


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig", errors="replace")
