"""The macro `recommend`, the command and Python give one answer: the same rows in the same order."""

from __future__ import annotations

from pathlib import Path

import pytest
from published_set import small_published_set

from flows.recommend.question import Question
from flows.recommend.recommend import recommend
from flows.versions.versions import open_version, require_latest
from tests.benchmarks.one_answer import Asked, differences, questions

pytestmark = pytest.mark.slow(5)

MODEL = "Qwen/Qwen2.5-7B-Instruct"


def test_three_doors_give_one_answer() -> None:
    data = small_published_set()
    named = [
        Asked(MODEL, 8192, objective, users, provider, spot)
        for objective, users, provider, spot in (
            ("cost", None, None, False),
            ("cost", 64, None, False),
            ("balanced", 64, None, False),
            ("performance", 1000, "aws", False),
            ("cost", None, None, True),
        )
    ]
    with open_version(require_latest(data)) as connection:
        asked = [*named, *questions(connection, 10, seed=7)]
        found = {str(question): differences(connection, data, question) for question in asked}
    assert {question: differing for question, differing in found.items() if differing} == {}


def test_balanced_counts_what_the_users_leave_unused() -> None:
    """A machine of which the users take a hundredth serves them dear tokens, however cheap its tokens are when it is full."""
    with open_version(require_latest(small_published_set())) as connection:
        rows = connection.execute(
            f"""select usd_per_million_output_tokens / utilization, utilization, deployments, batch_per_replica * dp
            from recommend('{MODEL}', 8192, objective := 'balanced', users := 64)"""
        ).fetchall()
    valued = [value for value, *_ in rows if value is not None]
    assert valued == sorted(valued)
    assert all(used == pytest.approx(64 / (deployments * held)) for _, used, deployments, held in rows)
    assert len({used for _, used, *_ in rows}) > 1


def test_of_one_price_an_accelerator_the_smallest_machine_comes_first(tmp_path: Path) -> None:
    """USD 3.79 for four is 0.95 each but for the cent: as dear a token, so one machine of one accelerator is enough."""
    shapes = tmp_path / "shapes.csv"
    shapes.write_text("shape,gpu,gpu_count,usd_per_hour\nfour,B200,4,3.79\none,B200,1,0.95\ntwo,B200,2,1.90\n")
    for objective in ("balanced", "cost"):
        answer = recommend(Question(MODEL, context=8192, objective=objective, shapes_file=shapes), small_published_set())
        assert [row["shape"] for row in answer.rows.records()] == ["one", "two", "four"]


def test_an_answer_in_sql_has_the_layout_of_its_objective() -> None:
    with open_version(require_latest(small_published_set())) as connection:
        for objective in ("cost", "performance"):
            differing = connection.execute(
                f"""select count(*) filter (where told.tp <> stored.tp or told.dp <> stored.dp) as otherwise,
                    count(*) filter (where told.activation_gib_per_gpu is null) as unknown,
                    count(*) filter (where told.tp <> stored.{objective}_tp or told.ttft_ms <> stored.{objective}_ttft_ms)
                from recommend('{MODEL}', 8192, objective := '{objective}') as told
                join recommendations as stored using (model_id, provider, shape, nodes, quantization, kv_dtype, context)"""
            ).fetchall()[0]
            assert differing[0] > 0 and differing[1] > 0 and differing[2] == 0
