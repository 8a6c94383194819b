"""The bundled snapshot: whole, within its contracts, and written so that it reads back bit for bit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows.lake import Lake, write_table
from flows.snapshot import SnapshotError, read_csv, read_snapshot, write_snapshot
from transforms.contracts import polars_schema

NOW = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
AWKWARD = ['quote " and, comma', "line\nbreak", "", "naïve – ×", " space ", "null", "1e5", "true"]


def filled(table: str, **values: list[object]) -> pl.DataFrame:
    """A frame of a table's schema with awkward values in every column that is not given."""
    rows = len(next(iter(values.values())))
    columns: dict[str, pl.Series] = {}
    for name, dtype in polars_schema(table).items():
        by_type: dict[pl.DataType, list[object]] = {
            pl.String(): AWKWARD, pl.Int64(): [0, 2**62], pl.Int32(): [7], pl.Float64(): [0.1, 1e-300, 1 / 3, -0.0],
            pl.Boolean(): [True, False], pl.Datetime("us", "UTC"): [NOW],
        }  # fmt: skip
        pool = values.get(name) or by_type[dtype]
        columns[name] = pl.Series(name, [pool[row % len(pool)] for row in range(rows)], dtype=dtype)
    return pl.DataFrame(columns)


def fill(lake: Lake) -> None:
    keys = [f"key{number}" for number in range(9)]
    models = filled("models", model_id=[f"a/{number}" for number in range(9)], architecture_key=keys)
    write_table(lake, "models", models.with_columns(license=pl.when(pl.int_range(9) % 2 == 0).then("license")))
    write_table(lake, "architectures", filled("architectures", architecture_key=keys))
    write_table(lake, "parameter_groups", filled("parameter_groups", architecture_key=keys))
    write_table(lake, "layer_groups", filled("layer_groups", architecture_key=keys))


def test_a_lakes_facts_read_back_bit_for_bit(lake: Lake, tmp_path: Path) -> None:
    fill(lake)
    directory = tmp_path / "snapshot"
    directory.mkdir()
    counts = write_snapshot(lake, directory)
    assert counts == {"models": 9, "architectures": 9, "parameter_groups": 9, "layer_groups": 9, "snapshot_sources": 9}
    for name in ("architectures", "parameter_groups", "layer_groups"):
        from flows.lake import read_table

        written = read_table(lake, name)
        assert written is not None
        assert_frame_equal(read_csv(name, directory / f"{name}.csv"), written, check_exact=True)
    models = read_csv("models", directory / "models.csv")
    assert set(models["source"]) == {"snapshot"}
    assert models["license"].null_count() == 4 and models["fetched_at"][0] == NOW
    sources = read_csv("snapshot_sources", directory / "sources.csv")
    assert sources["as_of"][0] == NOW.date() and sources["source"][0].startswith("https://huggingface.co/a/0/blob/")


def test_labels_say_which_ids_were_inferred_and_where_configs_were_read(lake: Lake, tmp_path: Path) -> None:
    fill(lake)
    labels = pl.DataFrame(
        {
            "model_id": ["a/1", "a/2", "b/9"], "name": ["given", "inferred", "given"],
            "source_repo": ["x/y"] * 3, "source_path": ["config.json"] * 3,
        }
    )  # fmt: skip
    counts = write_snapshot(lake, tmp_path, labels)
    assert counts["models"] == counts["architectures"] == 2
    models = read_csv("models", tmp_path / "models.csv")
    assert models.select("model_id", "id_inferred", "sha").rows() == [("a/1", False, None), ("a/2", True, None)]
    assert models["needs_remote_code"].to_list() == [None, True]  # false is not known
    assert read_csv("snapshot_sources", tmp_path / "sources.csv")["source"][0] == "https://github.com/x/y: config.json"


def test_a_lake_without_facts_cannot_be_a_snapshot(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="run `shapefit refresh"):
        write_snapshot(lake, tmp_path)


def test_a_broken_snapshot_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "models.csv").write_text("model_id\nx\n")
    with pytest.raises(SnapshotError, match=r"models\.csv cannot be read"):
        read_csv("models", tmp_path / "models.csv")


def test_the_bundled_snapshot_is_whole() -> None:
    snapshot = read_snapshot()
    models, architectures = snapshot["models"], snapshot["architectures"]
    assert models.height >= 180
    assert set(models["source"]) == {"snapshot"}
    assert models.join(architectures, on="architecture_key", how="anti").is_empty()
    assert architectures.join(models, on="architecture_key", how="anti").is_empty()
    for name in ("parameter_groups", "layer_groups"):
        assert snapshot[name].join(architectures, on="architecture_key", how="anti").is_empty()
        assert architectures.join(snapshot[name], on="architecture_key", how="anti").is_empty()
    directory = Path("catalogs/snapshot")
    sources = read_csv("snapshot_sources", Path(__file__).parents[2] / directory / "sources.csv")
    assert sources["model_id"].to_list() == models["model_id"].to_list()
    assert 0 < models["id_inferred"].sum() < models.height // 5


@pytest.mark.parametrize(
    ("model_id", "parameters"),
    [
        ("01-ai/Yi-34B", 34_388_917_248),
        ("Qwen/Qwen3-32B", 32_762_123_264),
        ("microsoft/phi-4", 14_659_507_200),
    ],
)
def test_published_totals_are_the_snapshots(model_id: str, parameters: int) -> None:
    snapshot = read_snapshot()
    facts = snapshot["models"].join(snapshot["architectures"], on="architecture_key").filter(pl.col("model_id") == model_id)
    assert facts["parameters_total"].to_list() == [parameters]
