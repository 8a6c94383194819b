"""A database of hand-written architectures and the shipped catalogs, estimated once for all SQL tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from architectures import architecture_frames
from asking import Answers, evaluate_together
from built_once import built_once

from flows.database.connection import connect, create_macros, load_tables
from flows.lake.catalogs import load_catalogs
from flows.publish.build_database import build_database
from flows.versions.versions import DATABASE
from transforms.tables import contracts

REMOTE_CODE = {"phi-4": True, "gpt2": False}
"""Whether the models need code of their repositories; of the others it is not known."""


@pytest.fixture(scope="session")
def catalogs() -> dict[str, pl.DataFrame]:
    return load_catalogs()


@pytest.fixture(scope="session")
def estimator(catalogs: dict[str, pl.DataFrame]) -> Iterator[duckdb.DuckDBPyConnection]:
    """All macros over the hand-written architectures; nothing of the grid is computed."""
    with connect() as connection:
        load_tables(connection, {**catalogs, **architecture_frames()}, with_comments=False)
        create_macros(connection)
        yield connection


@pytest.fixture(scope="session")
def _answers_by_test(estimator: duckdb.DuckDBPyConnection, request: pytest.FixtureRequest) -> dict[str, Answers]:
    """The answers to what the tests are marked to ask, in one evaluation."""
    asked = {item.nodeid: marker.args[0] for item in request.session.items if (marker := item.get_closest_marker("asks"))}
    return evaluate_together(estimator, asked)


@pytest.fixture
def answers(_answers_by_test: dict[str, Answers], request: pytest.FixtureRequest) -> Answers:
    """The answers to what this test is marked to ask."""
    return _answers_by_test[request.node.nodeid]


@pytest.fixture(scope="session")
def joined(catalogs: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The whole join over four of the hand-written architectures, each a model named test/<architecture>."""
    keys = ["llama-3.1-8b", "gpt2", "phi-4", "deepseek-v3"]
    models = contracts.frame_of(
        "models",
        [
            {
                "model_id": f"test/{key}",
                "architecture_key": key,
                "needs_remote_code": REMOTE_CODE.get(key),
                "source": "snapshot",
                "id_inferred": False,
                "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
            }
            for key in keys
        ],
    )
    tables = {**catalogs, **architecture_frames(keys), "models": models}
    built = built_once("joined", lambda directory: build_database(directory / DATABASE, tables))
    with connect(built / DATABASE, read_only=True, spill=tmp_path_factory.mktemp("joined")) as connection:
        yield connection
