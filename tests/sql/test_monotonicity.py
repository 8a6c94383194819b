"""More memory, fewer bits or a shorter context never turn a fit into a misfit."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import duckdb
import pytest
from asking import evaluate_together

pytestmark = pytest.mark.slow(2)

ARCHITECTURES = ("llama-3.1-8b", "gemma-3-27b", "mixtral-8x7b", "deepseek-v3", "gpt-oss-120b", "mamba-hybrid")
ORDER = ("does_not_fit", "tight", "fits")
ASCENDING = {
    "reported_memory_gib": [15.0, 22.0, 31.4, 44.4, 60.0, 79.2, 95.0, 120.0, 139.8, 178.0],
    "context": [131072, 65536, 40960, 32768, 8192, 4096, 2048, 1024],
    "kv_dtype": ["auto", "fp8"],
    "tp": [1, 2, 4],
    "max_num_seqs": [1024, 256, 16],
}


PRECISIONS = ["bf16", "fp8", "nvfp4", "awq-4bit"]
MEMORIES = [15.0, 22.0, 44.4, 60.0, 79.2, 120.0]
Answers = list[dict[str, object]]


def demands(column: str) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """What groups of rows have in common, and the rows: each group differs in one column, from the hardest to the easiest."""
    base = {"gpu": "H100-SXM5-80GB", "context": 16384}
    others = {"reported_memory_gib": [31.4, 79.2, 139.8], "context": [2048, 32768]}
    groups = [
        {"architecture": architecture, **dict(zip(rest, values, strict=True))}
        for architecture in ARCHITECTURES
        for rest in [tuple(name for name in others if name != column)]
        for values in itertools.product(*(others[name] for name in rest))
    ]
    return groups, [{**base, **group, column: step} for group in groups for step in ASCENDING[column]]


@pytest.fixture(scope="module")
def easier(estimator: duckdb.DuckDBPyConnection) -> dict[str, Answers]:
    """The answers to the demands on each column."""
    return evaluate_together(estimator, {column: demands(column)[1] for column in ASCENDING})


@pytest.mark.parametrize("column", ASCENDING)
def test_an_easier_demand_never_fits_worse(easier: dict[str, Answers], column: str) -> None:
    groups, answers, steps = demands(column)[0], easier[column], len(ASCENDING[column])
    assert len(answers) == len(groups) * steps
    for start in range(0, len(answers), steps):
        chain = answers[start : start + steps]
        verdicts = [ORDER.index(str(answer["verdict"])) for answer in chain]
        assert verdicts == sorted(verdicts), (groups[start // steps], chain)
        if column in ("reported_memory_gib", "kv_dtype", "max_num_seqs"):
            lengths = [answer["max_context"] for answer in chain]
            assert lengths == sorted(lengths)


@pytest.fixture(scope="module")
def fewer_bits(estimator: duckdb.DuckDBPyConnection) -> dict[str, Answers]:
    """Each architecture in every memory and precision."""
    return evaluate_together(
        estimator,
        {
            architecture: [
                {"architecture": architecture, "reported_memory_gib": memory, "quantization": precision, "context": 16384}
                for memory in MEMORIES
                for precision in PRECISIONS
            ]
            for architecture in ARCHITECTURES
        },
    )


@pytest.mark.parametrize("architecture", ["llama-3.1-8b", "gemma-3-27b", "mixtral-8x7b", "mamba-hybrid"])
def test_fewer_bits_never_fit_worse(fewer_bits: dict[str, Answers], architecture: str) -> None:
    answers = fewer_bits[architecture]
    for start in range(0, len(answers), len(PRECISIONS)):
        verdicts = [ORDER.index(str(answer["verdict"])) for answer in answers[start : start + len(PRECISIONS)]]
        assert verdicts == sorted(verdicts)


@dataclass(frozen=True)
class Ends:
    """Where fits end: answers that name a longest context, and for each the answers at that context and beyond it."""

    found: dict[str, Answers]
    around: dict[str, Answers]


@pytest.fixture(scope="module")
def ends(estimator: duckdb.DuckDBPyConnection) -> Ends:
    def asked(architecture: str, memory: object) -> dict[str, object]:
        return {"architecture": architecture, "reported_memory_gib": memory, "tp": 2, "max_num_seqs": 64}

    memories = [44.4, 60.0, 79.2, 95.0, 139.8]
    answers = evaluate_together(estimator, {name: [asked(name, memory) for memory in memories] for name in ARCHITECTURES})
    found = {name: [answer for answer in rows if int(str(answer["max_context"])) > 0] for name, rows in answers.items()}
    around = {
        name: [
            {**asked(name, answer["reported_memory_gib"]), "context": int(str(answer["max_context"])) + beyond}
            for answer in rows
            for beyond in (0, 2200)
        ]
        for name, rows in found.items()
    }
    return Ends(found, evaluate_together(estimator, around))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_longest_context_is_where_the_fit_ends(ends: Ends, architecture: str) -> None:
    """max_context fits, and a block more does not, unless the model itself ends there."""
    limit = max((int(str(answer["max_context"])) for answer in ends.found[architecture]), default=0)
    answers = ends.around[architecture]
    for at_limit, beyond in zip(answers[::2], answers[1::2], strict=True):
        assert at_limit["fits"]
        if at_limit["max_context"] < limit:
            assert not beyond["fits"]
