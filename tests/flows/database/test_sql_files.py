"""SQL files: run with the parameters that they name, and without what asking need not wait for."""

from __future__ import annotations

import os
import subprocess
import sys

import duckdb
import pytest

from flows.database.sql_files import fetch, run_sql, sql_text

WORKLOADS = """create table workloads as
select 'chat' as workload, 512 as input_tokens, 128 as output_tokens, 0.5 as cached_share, 1000 as target_ttft_ms,
50 as target_tpot_ms"""


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(WORKLOADS)
    return connection


def test_a_query_gives_its_rows_with_their_columns(connection: duckdb.DuckDBPyConnection) -> None:
    found = fetch(connection, "recommend/workload.sql", {"workload": "chat"})
    assert found.columns == ("input_tokens", "output_tokens", "cached_share", "target_ttft_ms", "target_tpot_ms")
    assert found.rows[0][:2] == (512, 128) and len(found.rows) == 1


def test_a_file_takes_of_the_parameters_those_that_it_names(connection: duckdb.DuckDBPyConnection) -> None:
    assert fetch(connection, "recommend/workload.sql", {"workload": "none", "of_another_file": 3}).rows == []
    run_sql(connection, "sizing/macros/whole_nodes.sql", {"of_another_file": 3})
    assert connection.sql("select whole_nodes(24, 4, 8)").fetchall() == [(3.0,)]
    with pytest.raises(duckdb.Error, match="workload"):
        run_sql(connection, "recommend/workload.sql", {"of_another_file": 3})


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.sql"):
        sql_text("ask/absent.sql")


def test_asking_loads_neither_a_frame_library_nor_prefect() -> None:
    heavy = "('polars', 'prefect', 'pyarrow', 'duckdb')"
    code = f"import sys, flows.recommend.recommend; print([name for name in {heavy} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
