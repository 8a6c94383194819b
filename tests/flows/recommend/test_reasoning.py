"""Every number in the paragraph of an answer is one of its rows', or counts them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from published_set import small_published_set
from recommend_command import QWEN

from flows.recommend.output import document
from flows.recommend.question import Question
from flows.recommend.recommend import Answer, recommend

pytestmark = pytest.mark.slow(6)

NUMBER = re.compile(r"(?<![\w.-])\d[\d,]*(?:\.\d+)?(?![\w])")
QUESTIONS = (
    Question(QWEN, context=8192),
    Question(QWEN, context=32768, workload="chat", users=64, provider="aws"),
    Question(QWEN, context=8192, input_tokens=1500, output_tokens=300, requests_per_s=20, max_ttft_ms=1000, max_tpot_ms=40),
    Question("google/gemma-3-27b-it", context=8192, users=16, max_tpot_ms=60),
    Question("openai/gpt-oss-120b", context=8192, objective="balanced", users=200),
    Question("deepseek-ai/DeepSeek-V3", context=8192, objective="performance"),
)


def told(value: object) -> Iterator[str]:
    """The ways in which a paragraph may write a figure."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
        yield from (f"{number:,.{digits}f}" for digits in (0, 1, 2, 3))
        yield from (f"{number:.2g}", f"{number:.3g}", f"{number:g}")


def figures(question: Question, answer: Answer) -> set[str]:
    """All that the numbers of the paragraph may be, recomputed from the rows, the question and what was passed over."""
    rows = [*answer.rows.records(), *answer.alternatives.records()]
    allowed = {text for row in rows for value in row.values() for text in told(value)}
    allowed |= {text for row in answer.passed_over.records() for value in row.values() for text in told(value)}
    for row in rows:
        machines = int(str(row["nodes"])) * int(str(row["deployments"]))
        carried = int(str(row["batch_per_replica"])) * int(str(row["dp"]))
        allowed |= {text for value in (machines, carried) for text in told(value)}
    stated = (*question.stated().values(), answer.offers, answer.context, *answer.service_level)
    return allowed | {text for value in stated for text in told(value)}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question.model.split('/')[1]}-{question.best_by}")
def test_every_number_is_one_that_can_be_computed_again(question: Question) -> None:
    answer = recommend(question, small_published_set())
    text = str(document(question, answer)["reasoning"])
    columns = ("shape", "provider", "gpu", "quantization", "price_region", "price_as_of", "checkpoint")
    rows = [*answer.rows.records(), *answer.alternatives.records()]
    for name in sorted({str(row[column]) for row in rows for column in columns}, key=len, reverse=True):
        text = text.replace(name, " ")
    for row in answer.passed_over.records():
        for name in ("largest_shape", "nearest_shape", "largest_gpu"):
            text = text.replace(str(row[name]), " ")
    for row in answer.precisions.records():
        for name in ("known_loss", "loss_source"):
            text = text.replace(str(row[name]), " ")
    text = text.replace(question.model, " ").replace("1,000 requests", "requests")
    unexplained = [number for number in NUMBER.findall(text) if number.rstrip(",") not in figures(question, answer)]
    assert unexplained == [], text
