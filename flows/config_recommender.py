"""`shapefit recommend --policy config_recommender`: models and GPUs as the Config Recommender's JSON files, its report out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from flows.catalogs import load_catalogs
from flows.estimator import estimating
from flows.model_facts import find_models
from flows.output import OutputError, write_atomically, write_object
from flows.published import fetch
from transforms.config_recommender import PRECISION_BYTES, catalog_gpus, parse_gpus, parse_models, recommendation, refused
from transforms.configured_gpus import cheapest_per_gpu


@dataclass(frozen=True)
class RecommenderQuestion:
    """Models (ids, or a models file), GPUs (a GPU file; the catalog's where None) and the tool's own conditions."""

    models: tuple[str, ...]
    gpus: Path | None = None
    latency_bound_ms: float | None = None
    batch_size: int | None = None
    sequence_length: int | None = None
    precision: str | None = None


def recommend_gpus(question: RecommenderQuestion, data: Path) -> dict[str, object]:
    """The tool's report: for each model the fastest GPU that holds it and meets the bound, and why the others do not.

    Raises RecommenderFileError for a file that is none.
    """
    catalogs = load_catalogs()
    if question.gpus is not None:
        accelerators = parse_gpus(_read(question.gpus), question.gpus.name)
    else:
        accelerators = catalog_gpus(catalogs["gpus"], cheapest_per_gpu(catalogs["shapes"], catalogs["prices"]))
    facts = find_models(question.models, data)
    keys = dict(facts.models.select("model_id", "architecture_key").iter_rows())
    messages = dict(facts.rejects.select("model_id", "message").iter_rows())
    entries = []
    with estimating(facts, catalogs) as connection:
        connection.register("accelerators", accelerators)
        for model in question.models:
            if model not in keys:
                entries.append(refused(model, messages[model]))
                continue
            rows = fetch(
                connection,
                "ask/config_recommender.sql",
                {
                    "architecture": keys[model],
                    "weight_bytes": PRECISION_BYTES[question.precision] if question.precision else None,
                    "batch_size": question.batch_size,
                    "sequence_length": question.sequence_length,
                    "latency_bound_ms": question.latency_bound_ms,
                },
            )
            entries.append(recommendation(model, rows.records(), question.latency_bound_ms))
    return {"recommendations": entries}


def print_gpus(question: RecommenderQuestion, data: Path, output: Path | None) -> int:
    """Print the report as JSON, or write it; 1 when a model has no GPU."""
    if output is not None and output.suffix.lower() != ".json":
        raise OutputError(f"the report of this policy is JSON: end {output} in .json")
    report = recommend_gpus(question, data)
    if output is None:
        write_object(report)
    else:
        write_atomically(output, json.dumps(report, indent=2, ensure_ascii=False).encode() + b"\n")
    without = [entry for entry in report["recommendations"] if entry["recommended_gpu"] is None]
    for entry in without:
        print(f"shapefit: {entry['model_name']}: {entry['reasoning']}", file=sys.stderr)
    return 1 if without else 0


def models_of_file(path: Path) -> tuple[str, ...]:
    """The model ids of a models file, each once. Raises RecommenderFileError."""
    return tuple(dict.fromkeys(parse_models(_read(path), path.name)))


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig", errors="replace")
