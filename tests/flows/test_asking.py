"""Asking from Python: many threads at once, beside other connections, with conditions held against what is declared."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import polars as pl
import pytest
from published_set import small_published_set
from recommend_command import QWEN, ask

from flows import asking
from flows.recommend.question import Conditions, QuestionError
from flows.versions.versions import DATABASE, NotPublishedError, open_version

pytestmark = pytest.mark.slow(4)


def test_threads_ask_at_once_and_beside_a_connection_of_ones_own() -> None:
    data = small_published_set()
    expected = asking.recommend(QWEN, context=8192, data=data)
    with duckdb.connect(str((data / "published" / "latest").resolve() / DATABASE), read_only=True) as own:
        own.execute("set threads = 1")
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: asking.recommend(QWEN, context=8192, data=data), range(12)))
        assert own.sql("select count(*) from models").fetchall() == [(4,)]
    assert all(answer.equals(expected) for answer in answers)


def test_threads_estimate_at_once() -> None:
    asked = pl.DataFrame({"model_id": [QWEN], "gpu": ["H100"], "concurrency": [8]})
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: asking.estimate(asked, data=small_published_set()), range(3)))
    assert answers[0]["status"].to_list() == ["ok"] and all(answer.equals(answers[0]) for answer in answers)


def test_a_connection_reaches_nothing_but_its_version() -> None:
    with open_version(small_published_set() / "published" / "latest") as connection:
        for statement in ("from read_csv('/etc/hostname')", "attach '/tmp/other.db'", "set threads = 1"):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)
        with pytest.raises(duckdb.Error, match="read-only"):
            connection.execute("delete from models")


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"not a database" * 1000)
    with pytest.raises(NotPublishedError, match=r"recommendations\.duckdb cannot be read: ") as refused:
        open_version(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"user": 3}, r"no condition user; known: context, input_tokens"),
        ({"users": 0}, r"users: Must be >= 1, not 0"),
        ({"users": 1.5}, r"users: int is needed, not 1\.5"),
        ({"context": True}, r"context: int is needed, not True"),
        ({"max_tpot_ms": -1}, r"max_tpot_ms: Must be > 0, not -1"),
        ({"max_ttft_ms": float("inf")}, r"max_ttft_ms: Must be < inf, not inf"),
        ({"objective": "cheap"}, r"objective: one of cost, performance, balanced is needed, not 'cheap'"),
        ({"policy": "vllm2"}, r"policy: one of vllm, aqua, kaito, lmi, config_recommender is needed"),
        ({"provider": 3}, r"provider: str is needed, not 3"),
        ({"policy": "config_recommender"}, r"from flows\.config_recommender import GPURecommender"),
        ({"policy": "aqua", "users": 3, "spot": True}, r"--users, --spot are no conditions of --policy aqua"),
    ],
)
def test_conditions_from_python_are_held_against_their_declaration(conditions: dict[str, object], message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        asking.recommend(QWEN, data=small_published_set(), **conditions)


def test_none_and_defaults_are_no_conditions() -> None:
    assert Conditions().stated() == {}
    assert Conditions(context=None, spot=False, users=3, max_tpot_ms=50).stated() == {"users": 3, "max_tpot_ms": 50}
    assert Conditions(max_tpot_ms=50, max_usd_per_hour=2.5).bounds() == ("--max-tpot-ms 50", "--max-usd-per-hour 2.5")


@pytest.mark.parametrize("policy", ["aqua", "kaito", "lmi"])
def test_other_tools_answer_from_python_too(policy: str) -> None:
    frame = asking.recommend(QWEN, policy=policy, data=small_published_set(), **({} if policy == "aqua" else {"context": 8192}))
    tokens = [] if policy == "aqua" else ["--context", "8192"]
    assert frame.height > 0
    if policy != "aqua":
        told = ask(QWEN, "--policy", policy, *tokens).document
        assert [row["shape"] for row in told] == frame["shape"].to_list()
