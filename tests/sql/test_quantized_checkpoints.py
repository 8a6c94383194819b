"""Repositories that publish a model in another precision: of the crawl, of the catalog, and which one is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from architectures import architecture_frames

from flows.database.connection import connect, create_macros, files_in_order, load_tables
from flows.database.sql_files import run_sql
from transforms.tables import contracts

pytestmark = pytest.mark.slow(3)

CHECKPOINTS = ("published/quantized_checkpoints.sql", "published/checkpoint_of.sql")
EXAMPLES = re.findall(
    r"^-- Example: (.+) = (.+)$", (Path(__file__).parents[2] / "sql/published/checkpoint_of.sql").read_text(), re.MULTILINE
)


def model(model_id: str, architecture: str, base: str | None = None, relation: str | None = None, downloads: int | None = None):
    return {
        "model_id": model_id,
        "architecture_key": architecture,
        "base_model": base,
        "base_model_relation": relation,
        "downloads": downloads,
        "source": "hub",
        "id_inferred": False,
        "fetched_at": datetime(2026, 3, 1, 23, tzinfo=UTC),
    }


MODELS = (
    model("maker/base", "plain"),
    model("maker/base-FP8", "fp8", "maker/base", "quantized", 10),
    model("other/base-fp8", "fp8", "maker/base", "quantized", 30),
    model("tuner/tuned-FP8", "fp8", "maker/base", "finetune", 90),
    model("other/copy", "plain", "maker/base", "quantized", 90),
    model("other/base-4bit", "awq", downloads=7),
    model("other/itself", "awq", "other/itself", "quantized", 7),
)
LISTED = (
    {"model_id": "maker/base", "quantization": "w4a16", "checkpoint": "other/base-4bit"},
    {"model_id": "maker/base", "quantization": "nvfp4", "checkpoint": "z/base-NVFP4"},
    {"model_id": "maker/base", "quantization": "nvfp4", "checkpoint": "a/base-NVFP4"},
    {"model_id": "maker/base", "quantization": "int8", "checkpoint": "a/base-int8"},
    {"model_id": "maker/base", "quantization": "int8", "checkpoint": "maker/base-int8"},
    {"model_id": "maker/base", "quantization": "fp8", "checkpoint": "maker/base-FP8"},
)


@pytest.fixture(scope="module")
def checkpoints(catalogs: dict[str, pl.DataFrame]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A few models that say what they derive from, and a few listed checkpoints."""
    frames = architecture_frames()
    plain = frames["architectures"].filter(pl.col("quantization_method") == "none").head(1)
    fp8 = {"quantization_method": "fp8", "quantization_bits": 8.0, "quantization_group_size": None}
    awq = {"quantization_method": "awq", "quantization_bits": 4.0, "quantization_group_size": 128}
    architectures = pl.concat(
        [
            contracts.conform("architectures", plain.with_columns(architecture_key=pl.lit(key), **lit(method)))
            for key, method in (("plain", {}), ("fp8", fp8), ("awq", awq))
        ]
    )
    source = {"source": "a list", "as_of": date(2026, 2, 1)}
    tables = {
        **catalogs,
        "architectures": architectures,
        "models": contracts.frame_of("models", MODELS),
        "known_checkpoints": contracts.frame_of("known_checkpoints", ({**row, **source} for row in LISTED)),
    }
    with connect() as connection:
        load_tables(connection, tables, with_comments=False)
        create_macros(connection, used_by=["checkpoint_precision("])
        for name in CHECKPOINTS:
            run_sql(connection, name)
        yield connection


def lit(values: dict[str, object]) -> dict[str, pl.Expr]:
    return {name: pl.lit(value) for name, value in values.items()}


def test_the_view_is_as_declared(checkpoints: duckdb.DuckDBPyConnection) -> None:
    frame = checkpoints.sql("from quantized_checkpoints").pl()
    assert tuple(frame.columns) == contracts.TABLES["quantized_checkpoints"].columns
    contracts.conform("quantized_checkpoints", frame)
    assert set(CHECKPOINTS) <= set(files_in_order("published"))


def test_a_crawled_quantization_belongs_to_its_base_and_a_fine_tune_does_not(checkpoints: duckdb.DuckDBPyConnection) -> None:
    rows = checkpoints.sql("from quantized_checkpoints where downloads is not null order by checkpoint").fetchall()
    assert rows == [
        ("maker/base", "fp8", "maker/base-FP8", 10, "a list", date(2026, 2, 1)),
        ("maker/base", "awq-4bit", "other/base-4bit", 7, "a list", date(2026, 2, 1)),  # its own config, not the list's w4a16
        ("maker/base", "fp8", "other/base-fp8", 30, "hub", date(2026, 3, 1)),
    ]


@pytest.mark.parametrize(
    ("quantization", "checkpoint"),
    [
        ("fp8", "other/base-fp8"),  # downloaded most
        ("awq-4bit", "other/base-4bit"),
        ("int8", "maker/base-int8"),  # of the model's own publisher
        ("nvfp4", "a/base-NVFP4"),  # nothing tells them apart
        ("w4a16", None),
        ("native", None),
    ],
)
def test_one_checkpoint_is_named_for_a_precision(
    checkpoints: duckdb.DuckDBPyConnection, quantization: str, checkpoint: str | None
) -> None:
    (found,) = checkpoints.execute("select checkpoint_of('maker/base', $1)", [quantization]).fetchall()[0]
    assert found == checkpoint


def test_columns_can_be_asked_for_row_by_row(checkpoints: duckdb.DuckDBPyConnection) -> None:
    asked = "select quantization, checkpoint_of('maker/base', quantization) from quantizations order by quantization"
    assert {row[0]: row[1] for row in checkpoints.sql(asked).fetchall() if row[1]} == {
        "awq-4bit": "other/base-4bit",
        "fp8": "other/base-fp8",
        "int8": "maker/base-int8",
        "nvfp4": "a/base-NVFP4",
    }


@pytest.mark.parametrize(("call", "value"), EXAMPLES)
def test_a_worked_example_of_the_published_version(joined: duckdb.DuckDBPyConnection, call: str, value: str) -> None:
    found, expected = joined.sql(f"select {call}, {value}").fetchall()[0]
    assert found == expected
