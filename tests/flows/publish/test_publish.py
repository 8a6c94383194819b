"""Publishing: whole versions only, `latest` switched in one step, whatever fails or is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
from published_set import copied_versions, grid_of, small_published_set, tables_of

from flows.estimate.row_checks import PublishError
from flows.publish.publish import Published, publish
from flows.versions.versions import DATABASE, Versions, open_version, read_run
from transforms.tables import contracts

pytestmark = pytest.mark.slow(18)


def publish_computed(
    data: Path, run_id: str, tables: dict[str, pl.DataFrame], facts: dict[str, object] | None = None
) -> Published:
    """Publish tables over their grid, which is computed once however many versions are published over it."""
    return publish(data, run_id, tables, facts, grid_of(tables))


def latest(data: Path) -> str | None:
    version = Versions(data).latest()
    return version.name if version else None


def test_a_version_holds_everything_and_is_latest() -> None:
    data = small_published_set()
    version = Versions(data).latest()
    assert version is not None
    assert str((data / "published" / "latest").readlink()) == version.name
    names = {path.name for path in version.iterdir()}
    assert {DATABASE, "run.json", "data_dictionary.md", "recommendations.parquet", "rejects.parquet", "changes.parquet"} <= names
    assert [name for name in names if name.startswith(".")] == []
    run = read_run(version)
    assert (
        run["counts"]["recommendations"] == pl.scan_parquet(version / "recommendations.parquet").select(pl.len()).collect().item()
    )
    assert run["coverage"]["models"] == 4
    assert run["coverage"]["rejects_by_code"] == {"encoder_decoder": 1}
    assert set(run["inputs"]) >= {"models", "architectures", "shapes", "prices", "engines"}
    assert run["tools"]["duckdb"] == duckdb.__version__
    assert len(run["content_hash"]) == 64


def test_the_parquet_and_the_database_hold_the_same_rows() -> None:
    version = Versions(small_published_set()).latest()
    for name in ("recommendations", "models", "rejects", "shapes"):
        with open_version(version) as connection:
            stored = connection.table(name).pl()
        key = contracts.TABLES[name].key
        assert stored.sort(key).equals(pl.read_parquet(version / f"{name}.parquet").select(stored.columns).sort(key)), name


def test_the_second_version_says_what_changed(tmp_path: Path) -> None:
    before = tables_of(("Qwen/Qwen2.5-7B-Instruct", "google/gemma-3-27b-it"))
    publish_computed(tmp_path, "one", before, {"requested": ["one list"]})
    after = tables_of(("Qwen/Qwen2.5-7B-Instruct", "openai/gpt-oss-120b"))
    gone = after["shapes"].row(0, named=True)
    after["shapes"] = after["shapes"].slice(1)
    dearer = after["shapes"].row(0, named=True)
    same_shape = (pl.col("provider") == dearer["provider"]) & (pl.col("shape") == dearer["shape"])
    on_demand = same_shape & (pl.col("price_kind") == "on_demand")
    after["prices"] = (
        after["prices"]
        .join(after["shapes"], on=["provider", "shape"], how="semi")
        .with_columns(pl.when(on_demand).then(pl.col("usd_per_hour") * 2).otherwise("usd_per_hour"))
    )
    published = publish_computed(tmp_path, "two", after, {"requested": ["another list"]})
    changes = pl.read_parquet(published.path / "changes.parquet")

    def of(kind: str) -> pl.DataFrame:
        return changes.filter(pl.col("change") == kind)

    assert of("model_added")["model_id"].to_list() == ["openai/gpt-oss-120b"]
    assert of("model_gone")["model_id"].to_list() == ["google/gemma-3-27b-it"]
    assert of("shape_gone").select("provider", "shape").rows() == [(gone["provider"], gone["shape"])]
    moved = of("price").row(0, named=True)
    assert (moved["provider"], moved["shape"]) == (dearer["provider"], dearer["shape"])
    assert float(moved["now"]) == 2 * float(moved["was"])
    assert of("fit_lost").is_empty()
    assert published.changes == {"model_added": 1, "model_gone": 1, "price": 1, "shape_gone": 1}


def with_setting(tables: dict[str, pl.DataFrame], key: str, value: float) -> dict[str, pl.DataFrame]:
    """Tables with another value of a setting of publishing."""
    setting = (pl.col("policy") == "publish") & (pl.col("key") == key)
    return {**tables, "policies": tables["policies"].with_columns(value=pl.when(setting).then(value).otherwise("value"))}


def test_fits_lost_and_gained_are_counted_for_every_model_and_listed_for_the_most_downloaded(tmp_path: Path) -> None:
    """Rows per model are too many for a file here: they are counted all the same, and the database still gives them."""
    whole = with_setting(with_setting(tables_of(shapes=2), "models_named", 1), "recommendation_rows_written", 10)
    fine_tune = whole["models"].with_columns(model_id=pl.lit("a/fine-tune"), downloads=pl.lit(10**9, pl.Int64))
    whole["models"] = pl.concat([whole["models"], fine_tune])
    halved = {**whole, "contexts": whole["contexts"].tail(1)}
    first = publish_computed(tmp_path, "one", whole)
    second = publish_computed(tmp_path, "two", halved)
    listed = pl.read_parquet(second.path / "changes.parquet")
    assert second.changes == {"fit_lost": 2 * listed.height} and listed.height > 0
    assert set(listed["model_id"]) == {"a/fine-tune"}
    assert publish_computed(tmp_path, "three", whole).changes == {"fit_gained": 2 * listed.height}

    assert not (first.path / "recommendations.parquet").exists()
    assert (first.path / "architecture_recommendations").is_dir()
    run = read_run(first.path)
    assert run["counts"]["recommendations"] == 2 * run["counts"]["architecture_recommendations"] > 10
    assert "join architecture_recommendations/ with models.parquet" in run["recommendations_left_out"]
    assert run["recommendations_left_out"] in (first.path / "data_dictionary.md").read_text()
    with open_version(first.path) as connection:
        assert len(connection.table("recommendations").fetchall()) == run["counts"]["recommendations"]


def test_an_unchanged_run_is_recognised_whenever_it_was_fetched(tmp_path: Path) -> None:
    """It takes over what is the same, and has its own crawl's facts."""
    tables = tables_of(shapes=1)
    assert not publish_computed(tmp_path, "one", tables).unchanged
    later = {**tables, "models": tables["models"].with_columns(pl.col("fetched_at").dt.offset_by("1d"), downloads=pl.lit(7))}
    again = publish_computed(tmp_path, "two", later)
    assert again.unchanged
    assert again.changes == {}
    one, two = (Versions(tmp_path).root / name for name in ("one", "two"))
    assert read_run(one)["content_hash"] == read_run(two)["content_hash"]
    for path in (two / "recommendations.parquet", *two.glob("architecture_recommendations/*/*.parquet")):
        assert path.samefile(one / path.relative_to(two))
    with open_version(two) as connection:
        assert connection.table("models").pl()["downloads"].to_list() == [7]
        assert connection.table("changes").fetchall() == []
        assert connection.table("recommendations").limit(1).fetchall()


def test_a_failed_check_leaves_latest_as_it_was_and_says_what_failed(tmp_path: Path) -> None:
    tables = tables_of(("Qwen/Qwen2.5-7B-Instruct", "google/gemma-3-27b-it"))
    publish_computed(tmp_path, "one", tables, {"requested": ["list"]})
    with pytest.raises(PublishError, match=r"1 of 2 models of version one are missing.*gemma-3-27b-it"):
        publish_computed(tmp_path, "two", tables_of(shapes=1), {"requested": ["list"]})
    broken = {**tables, "models": pl.concat([tables["models"], tables["models"].head(1)])}
    with pytest.raises(PublishError, match="key model_id repeats"):
        publish(tmp_path, "three", broken)
    with pytest.raises(PublishError, match="without rows"):
        publish(tmp_path, "four", {**tables, "models": tables["models"].head(0)})
    assert latest(tmp_path) == "one"
    assert publish_computed(tmp_path, "five", tables_of(shapes=1), {"requested": ["another list"]}).run_id == "five"


@pytest.mark.parametrize("name", ["../out", ".hidden", "a/b", "latest", ""])
def test_a_run_id_never_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(PublishError, match="cannot name a version"):
        publish(tmp_path, name, {})


def test_a_reader_keeps_its_version_while_the_next_is_published_and_its_own_deleted(tmp_path: Path) -> None:
    tables = tables_of(shapes=1)
    key = pl.when(pl.col("policy") == "publish").then("key")
    limits = key.replace_strict({"versions_kept": 1.0, "retire_grace_minutes": 0.0}, default=None)
    tables["policies"] = tables["policies"].with_columns(value=pl.coalesce(limits, "value"))
    copied_versions(tmp_path, "one")
    first = Versions(tmp_path).latest()
    rows = read_run(first)["counts"]["recommendations"]
    with open_version(first) as reader:
        publish_computed(tmp_path, "two", tables)
        assert not first.exists()
        assert len(reader.table("recommendations").fetchall()) == rows


KILLED_AT_EVERY_STEP = """
import json, os, pickle, shutil, signal, sys
from pathlib import Path
sys.path.append(sys.argv[2])
import flows.publish.publish as module
import flows.publish.version_files as version_files
from flows.estimate.grid import compute_grid
from flows.versions.versions import Versions, open_version
from published_set import tables_of

data = Path(sys.argv[1])
built = data / "built.duckdb"
steps = [(version_files, "build_database"), (Path, "mkdir"), (Path, "rename"), (Path, "replace"),
         (Path, "symlink_to"), (Path, "write_text"), (Path, "unlink"), (Path, "hardlink_to"), (module, "sync_tree"),
         (version_files, "write_changes"), (version_files, "_write_sorted"), (module, "check_published"), (module, "retire"),
         (module, "point_latest")]

def build():
    tables = tables_of(shapes=1)
    grid = compute_grid(data / "lake", tables)
    (data / "published.pickle").write_bytes(pickle.dumps((tables, grid)))
    version_files.build_database(built, tables, grid.buckets)

def publish_killed_at(step):
    calls = 0
    def killing(function):
        def wrapped(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)
        return wrapped
    # Each run has the same content: it is built once and copied.
    version_files.build_database = lambda path, tables, computed: shutil.copyfile(built, path)
    for owner, name in steps:
        setattr(owner, name, killing(getattr(owner, name)))
    tables, grid = pickle.loads((data / "published.pickle").read_bytes())
    module.publish(data, f"killed-{step}", tables, grid=grid)

def look():
    version = Versions(data).latest()
    with open_version(version) as connection:
        rows = len(connection.table("recommendations").fetchall())
    run = json.loads((version / "run.json").read_text())
    assert rows == run["counts"]["recommendations"] > 0
    assert run["run_id"] == version.name
    print(version.name, flush=True)

# The process itself starts no threads: each publisher and each reader is a fork of it.
def forked(function, *arguments):
    child = os.fork()
    if child == 0:
        function(*arguments)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

assert forked(build) == 0
for step in range(1, 100, 2):
    ended = forked(publish_killed_at, step)
    assert forked(look) == 0
    if ended == 0:
        break
    assert ended == -signal.SIGKILL, ended
"""
"""Publishes again and again, each time killed two steps later among those that change what is on disk, and reads after each."""


def test_killed_at_any_step_latest_is_whole_and_the_next_run_clears_up(tmp_path: Path) -> None:
    tables = tables_of(shapes=1)
    copied_versions(tmp_path, "first")
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", KILLED_AT_EVERY_STEP, str(tmp_path), str(root / "tests")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr
    read = done.stdout.split()
    assert read[0] == "first"
    assert len(set(read)) > 2
    publish_computed(tmp_path, "last", tables)
    assert latest(tmp_path) == "last"
    assert [path.name for path in (tmp_path / "published").iterdir() if path.name.startswith(".")] == [".lock"]
