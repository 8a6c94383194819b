"""How recommendations lie in Parquet: a reader of one model at one context opens one file and one or two of its row groups."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import duckdb
import polars as pl
import pytest
from published_set import MODELS, small_published_set

from flows.versions.versions import DATABASE, require_latest
from transforms.tables import contracts

pytestmark = pytest.mark.slow(2)

MODEL, CONTEXT = MODELS[0], 32768


@pytest.fixture(scope="module")
def version() -> Path:
    return require_latest(small_published_set())


def test_there_is_one_file_for_each_architecture_sorted_by_context(version: Path) -> None:
    files = sorted((version / "architecture_recommendations").glob("*/*.parquet"))
    keys = pl.read_parquet(version / "models.parquet")["architecture_key"].unique().sort()
    assert [file.parent.name for file in files] == [f"architecture_key={key}" for key in keys]
    for file in files:
        groups = duckdb.execute(
            """select stats_min_value::bigint as shortest, stats_max_value::bigint as longest, row_group_num_rows
            from parquet_metadata($file) where path_in_schema = 'context' order by row_group_id""",
            {"file": str(file)},
        ).fetchall()
        assert all(rows <= 8192 for _, _, rows in groups)
        assert all(longest <= following for (_, longest, _), (following, _, _) in pairwise(groups))


def test_they_say_what_the_view_says(version: Path) -> None:
    """A join with `models` over the files is the view, row by row."""
    with duckdb.connect(str(version / DATABASE), read_only=True) as connection:
        told = connection.sql(f"from recommendations where model_id = '{MODEL}' and context = {CONTEXT} order by all").pl()
    columns = contracts.TABLES["recommendations"].columns
    models = pl.scan_parquet(version / "models.parquet").select("model_id", "architecture_key")
    read = (
        pl.scan_parquet(version / "architecture_recommendations", hive_partitioning=True)
        .join(models, on="architecture_key")
        .filter((pl.col("model_id") == MODEL) & (pl.col("context") == CONTEXT))
        .select(columns)
        .collect()
    )
    assert read.height == told.height > 0
    key = contracts.TABLES["recommendations"].key
    assert read.sort(key).equals(told.sort(key))


def test_the_best_shapes_are_a_file_of_their_own(version: Path) -> None:
    best = contracts.conform("best_shapes", pl.read_parquet(version / "best_shapes.parquet"))
    assert set(best["model_id"]) == set(MODELS)
    assert "best_shapes" in (version / "data_dictionary.md").read_text()
