"""Asking from Python: the answers of `shapefit recommend` and `shapefit estimate` as Polars frames.

from flows.asking import estimate, recommend

offers = recommend("Qwen/Qwen2.5-7B-Instruct", context=32768, users=64, max_tpot_ms=50)
answers = estimate(pl.DataFrame({"model_id": ["Qwen/Qwen2.5-7B-Instruct"], "gpu": ["H100"], "concurrency": [32]}))
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import polars as pl

from flows.ask.estimate import estimate
from flows.printing.rows import Rows
from flows.recommend.other_tools import fitting_rows
from flows.recommend.question import question_of
from flows.recommend.recommend import recommend as answer
from transforms.tables.contracts import POLARS_TYPES
from transforms.tables.fields import FIELDS

__all__ = ["NoOfferWarning", "estimate", "recommend"]


class NoOfferWarning(UserWarning):
    """Nothing answers the question; the message says why, and what came nearest."""


def recommend(model: str, *, data: Path | str = "data", **conditions: Any) -> pl.DataFrame:
    """The offers that serve a model, the best first: one row for each provider, shape and weight precision.

    Args:
        model: Hugging Face id, or a directory with a config.json and safetensors files.
        data: where the published version is.
        conditions: those of `shapefit recommend`, by the same names and with the same bounds (`flows.recommend.question`).

    Returns the columns of `shapefit recommend --format csv`, typed as the data dictionary says: memory in GiB of the fullest GPU,
    times in ms, throughput in tokens/s and usd_per_hour of one deployment, total_usd_per_hour of all of them; with a policy of
    another tool that tool's columns. Where nothing answers the frame has no rows and a NoOfferWarning says why; remarks on how
    the question was taken are warnings as well.

    Raises QuestionError (a ValueError) for conditions that are not declared or name nothing known, RejectedModelError for a model
    with no estimate.
    """
    question = question_of(model, conditions)
    if question.policy != "vllm":
        notes: list[str] = []
        fitting = fitting_rows(question, Path(data), notes)
        for note in notes:
            warnings.warn(note, stacklevel=2)
        return rows_as_frame(fitting)
    found = answer(question, Path(data))
    for note in found.notes:
        warnings.warn(note, stacklevel=2)
    if found.why_not is not None:
        warnings.warn(found.why_not, NoOfferWarning, stacklevel=2)
    return rows_as_frame(found.rows)


def rows_as_frame(rows: Rows) -> pl.DataFrame:
    """Rows as a frame, columns that are declared typed as the data dictionary says."""
    declared = {column: POLARS_TYPES[FIELDS[column].type] for column in rows.columns if column in FIELDS}
    return pl.DataFrame(rows.rows, schema=list(rows.columns), schema_overrides=declared, orient="row", infer_schema_length=None)
