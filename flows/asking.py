"""Asking from Python: the answers of `shapefit recommend` and `shapefit estimate` as Polars frames.

from flows.asking import estimate, recommend

offers = recommend("Qwen/Qwen2.5-7B-Instruct", context=32768, users=64, max_tpot_ms=50)
answers = estimate(pl.DataFrame({"model_id": ["Qwen/Qwen2.5-7B-Instruct"], "gpu": ["H100"], "concurrency": [32]}))
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import polars as pl

from flows.ask.estimate import estimate
from flows.ask.recommend import Question, QuestionError
from flows.ask.recommend import recommend as answer
from transforms.tables.contracts import POLARS_TYPES
from transforms.tables.fields import FIELDS

__all__ = ["NoOfferWarning", "estimate", "recommend"]

OBJECTIVES = ("cost", "performance", "balanced")


class NoOfferWarning(UserWarning):
    """Nothing answers the question; the message says why, and what came nearest."""


def recommend(
    model: str,
    *,
    context: int | None = None,
    users: int | None = None,
    quantization: str | None = None,
    provider: str | None = None,
    shape: str | None = None,
    max_ttft_ms: float | None = None,
    max_tpot_ms: float | None = None,
    max_usd_per_hour: float | None = None,
    objective: str = "cost",
    workload: str | None = None,
    region: str | None = None,
    spot: bool = False,
    shapes_file: Path | str | None = None,
    data: Path | str = "data",
) -> pl.DataFrame:
    """The offers that serve a model, the best first: one row for each provider, shape and weight precision.

    Args:
        model: Hugging Face id, or a directory with a config.json and safetensors files.
        context: prompt and answer tokens of one sequence; None: what the workload needs, else the model's own length.
        users: concurrent requests to be held; `deployments` then says how many of a row's deployments carry them.
        quantization, provider, shape, region: only these, by their catalog names or aliases.
        max_ttft_ms, max_tpot_ms: bounds on the time to the first and per further token; they make batches smaller.
        max_usd_per_hour: bound on the price of all deployments of a row.
        objective: cost (USD per hour), performance (time per token of one request) or balanced (USD per token).
        workload: a row of the workloads catalog that speed and cost are estimated for; None: the published load.
        spot: count spot prices.
        shapes_file: a CSV of your own shapes instead of the catalogued ones.
        data: where the published version is.

    Returns the columns of `shapefit recommend --format csv`, typed as the data dictionary says: memory in GiB of the fullest GPU,
    times in ms, throughput in tokens/s and usd_per_hour of one deployment, total_usd_per_hour of all of them. Where nothing
    answers the frame has no rows and a NoOfferWarning says why; remarks on how the question was taken are warnings as well.

    Raises QuestionError (a ValueError) for conditions that name nothing known, RejectedModelError for a model with no estimate.
    """
    if objective not in OBJECTIVES:
        raise QuestionError(f"no objective {objective}; known: {', '.join(OBJECTIVES)}")
    _check("at least 1", lambda value: value >= 1, context=context, users=users)
    _check(
        "above 0", lambda value: value > 0, max_ttft_ms=max_ttft_ms, max_tpot_ms=max_tpot_ms, max_usd_per_hour=max_usd_per_hour
    )
    question = Question(
        model=model,
        context=context,
        users=users,
        quantization=quantization,
        provider=provider,
        shape=shape,
        max_ttft_ms=max_ttft_ms,
        max_tpot_ms=max_tpot_ms,
        max_usd_per_hour=max_usd_per_hour,
        objective=objective,
        workload=workload,
        region=region,
        spot=spot,
        shapes_file=None if shapes_file is None else Path(shapes_file),
    )
    found = answer(question, Path(data))
    for note in found.notes:
        warnings.warn(note, stacklevel=2)
    if found.why_not is not None:
        warnings.warn(found.why_not, NoOfferWarning, stacklevel=2)
    schema = {column: POLARS_TYPES[FIELDS[column].type] for column in found.rows.columns}
    return pl.DataFrame(found.rows.rows, schema=schema, orient="row")


def _check(meaning: str, allowed: Callable[[float], bool], **values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not allowed(value):
            raise QuestionError(f"{name} must be {meaning}, not {value}")
