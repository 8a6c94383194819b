"""The bundled snapshot: whole, within its contracts, and written so that it reads back bit for bit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows.lake.lake import Lake, write_table
from flows.lake.snapshot import TABLES, SnapshotError, keyed, read_csv, read_snapshot, write_snapshot
from transforms.tables.contracts import NOT_READ, polars_schema

NOW = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
IDS, KEYS = [f"a/{number}" for number in range(9)], [f"key{number}" for number in range(9)]
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


def fill(lake: Lake, ids: list[str] = IDS, keys: list[str] = KEYS, **values: list[object]) -> None:
    models = filled("models", model_id=ids, architecture_key=keys)
    write_table(lake, "models", models.with_columns(license=pl.when(pl.int_range(len(ids)) % 2 == 0).then("license")))
    values = {"sizes_source": ["header"], "parameters_total": [*range(1, len(keys) + 1)], **values}
    write_table(lake, "architectures", filled("architectures", architecture_key=keys, **values))
    write_table(lake, "parameter_groups", filled("parameter_groups", architecture_key=keys))
    write_table(lake, "layer_groups", filled("layer_groups", architecture_key=keys))


def test_a_lakes_facts_read_back_bit_for_bit(lake: Lake, tmp_path: Path) -> None:
    fill(lake)
    directory = tmp_path / "snapshot"
    directory.mkdir()
    counts = write_snapshot(lake, directory)
    assert counts == {"models": 9, "architectures": 9, "parameter_groups": 9, "layer_groups": 9, "snapshot_sources": 9}
    for name in ("architectures", "parameter_groups", "layer_groups"):
        from flows.lake.lake import read_table

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


def test_a_label_may_name_its_source_in_words_or_own_that_nothing_was_read(lake: Lake, tmp_path: Path) -> None:
    fill(lake)
    words = "https://huggingface.co/a/0: config.json (its base model)"
    labels = pl.DataFrame({"model_id": ["a/1", "a/2"], "name": ["given"] * 2, "source": [words, None]})
    write_snapshot(lake, tmp_path, labels)
    assert read_csv("snapshot_sources", tmp_path / "sources.csv")["source"].to_list() == [words, NOT_READ]


def test_models_are_added_to_a_snapshot_without_losing_the_others(lake: Lake, tmp_path: Path) -> None:
    fill(lake)
    write_snapshot(lake, tmp_path)
    before = keyed({name: read_csv(name, tmp_path / f"{name}.csv") for name in TABLES})
    known = dict(before["models"].select("model_id", "architecture_key").iter_rows())
    fill(lake, ["a/7", "a/new"], ["new key", known["a/0"]], sizes_source=["derived"])
    labels = pl.DataFrame(
        {"model_id": ["a/7", "a/new", "a/3"], "name": ["given"] * 3, "source": ["https://a", "https://b", "https://mended"]}
    )
    counts = write_snapshot(lake, tmp_path, labels, add=True)
    assert counts == {"models": 10, "architectures": 9, "parameter_groups": 9, "layer_groups": 9, "snapshot_sources": 10}
    after = {name: read_csv(name, tmp_path / f"{name}.csv") for name in TABLES}
    keys = dict(after["models"].select("model_id", "architecture_key").iter_rows())
    assert keys["a/7"] == "new key" and keys["a/new"] == known["a/0"] and keys["a/3"] == known["a/3"] != "key3"
    assert set(after["architectures"]["architecture_key"]) == {*keys.values()}, "that of a/7 before is of no model any more"
    for name in TABLES:
        column = after[name].columns[0]
        others = before[name].filter(pl.col(column).is_in(["a/7", known["a/7"]]).not_())
        assert_frame_equal(after[name].join(others, on=column, how="semi"), others.sort(others.columns[:3]), check_exact=True)
    sources = dict(read_csv("snapshot_sources", tmp_path / "sources.csv").select("model_id", "source").iter_rows())
    assert sources["a/7"] == "https://a" and sources["a/new"] == "https://b" and sources["a/3"] == "https://mended"
    assert sources["a/0"].startswith("https://huggingface.co/a/0/blob/")


@pytest.mark.parametrize(("bundled", "found", "kept"), [("header", "derived", "old"), ("derived", "derived", "new")])
def test_an_added_models_architecture_replaces_the_bundled_one_unless_that_was_counted(
    lake: Lake, tmp_path: Path, bundled: str, found: str, kept: str
) -> None:
    fill(lake, ["a/0"], ["key"], sizes_source=[bundled], architecture_class=["old"])
    write_snapshot(lake, tmp_path)
    key = keyed({name: read_csv(name, tmp_path / f"{name}.csv") for name in TABLES})["models"]["architecture_key"][0]
    fill(lake, ["a/1"], [key], sizes_source=[found], architecture_class=["new"])
    write_snapshot(lake, tmp_path, add=True)
    assert read_csv("architectures", tmp_path / "architectures.csv")["architecture_class"].to_list() == [kept]


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
    today = keyed(snapshot)["architectures"]["architecture_key"]
    assert today.equals(architectures["architecture_key"]), "python -m flows.lake.snapshot --add makes the keys anew"
    directory = Path("catalogs/snapshot")
    sources = read_csv("snapshot_sources", Path(__file__).parents[3] / directory / "sources.csv")
    assert sources["model_id"].to_list() == models["model_id"].to_list()
    assert 0 < models["id_inferred"].sum() < models.height // 5
    unread = sources.filter(pl.col("source").str.contains("https://").not_())
    assert set(unread["source"]) <= {NOT_READ}, "a source is an address, or says that nothing was read"


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
