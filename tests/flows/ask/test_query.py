"""`shapefit query`: SQL over the published tables, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from published_set import MODELS, small_published_set

from flows.cli import main

pytestmark = pytest.mark.slow(3)


def ask(*tokens: str) -> int:
    return main(["query", *tokens, "--data", str(small_published_set())])


def test_rows_come_in_every_form(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sql = "select model_id, 0.1e0 + 0.2e0 as x, '=1' as y from models order by model_id"
    assert ask(sql, "--format", "json") == 0
    assert [row["model_id"] for row in json.loads(capsys.readouterr().out)] == sorted(MODELS)
    assert ask(sql, "--format", "csv") == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["model_id,x,y", f"{sorted(MODELS)[0]},0.30000000000000004,'=1"]
    assert ask(sql, "--format", "markdown") == 0
    assert capsys.readouterr().out.startswith("| model_id | x | y |")
    assert ask(sql) == 0
    assert "model_id" in capsys.readouterr().out
    assert ask(sql, "--output", str(tmp_path / "x.csv")) == 0
    assert (tmp_path / "x.csv").read_text().startswith("model_id,x,y\n")


@pytest.mark.parametrize(
    "sql",
    [
        "selec 1",
        "select * from nothing",
        "drop table models",
        "create table t as select 1",
        "insert into models select * from models",
        "copy models to '/tmp/shapefit-escape.csv'",
        "select * from '/etc/passwd'",
        "select * from read_text('/etc/passwd')",
        "attach '/tmp/shapefit-escape.duckdb'",
        "install httpfs",
        "set enable_external_access = true",
        "set lock_configuration = false",
    ],
)
def test_what_is_no_question_to_the_published_tables_is_refused_in_one_line(sql: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(sql) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Error" in err


def test_the_database_answers_alone(capsys: pytest.CaptureFixture[str]) -> None:
    sql = "select shape, cost_rank from recommend('Qwen/Qwen2.5-7B-Instruct', 8000) limit 3"
    assert ask(sql, "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 3
    assert ask("select comment from duckdb_columns() where table_name = 'models' and column_name = 'sha'", "--format", "csv") == 0
    assert "commit" in capsys.readouterr().out
