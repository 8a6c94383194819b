"""What is kept: the last versions within a disk budget, and what a reader may still be reading; damage and clocks apart."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from published_set import copied_versions

from flows.ask.status import rollback
from flows.lake.lake import open_lake, read_table, write_requested, write_table
from flows.versions.integrity import damage, sound_latest
from flows.versions.pointer import point_latest
from flows.versions.retention import Limits, disk_use, retire
from flows.versions.versions import DATABASE, Versions, open_version, read_run
from transforms.tables.contracts import frame_of

HOUR = 3600.0
UNBOUND = float("inf")


def kept(data: Path) -> list[str]:
    return [version.name for version in Versions(data).all()]


def superseded(data: Path, hours_ago: float, *names: str) -> None:
    for name in names:
        moment = time.time() - hours_ago * HOUR
        os.utime(data / "published" / name, (moment, moment))


def test_the_last_versions_are_kept_and_the_current_one_always(tmp_path: Path) -> None:
    copied_versions(tmp_path, "a", "b", "c", "d")
    point_latest(Versions(tmp_path), "a")
    superseded(tmp_path, 2, "a", "b", "c", "d")
    retire(tmp_path, Limits(2, UNBOUND, HOUR))
    assert kept(tmp_path) == ["a", "c", "d"]
    assert Versions(tmp_path).latest().name == "a"


def test_a_version_that_was_latest_a_moment_ago_is_not_taken_from_its_readers(tmp_path: Path) -> None:
    copied_versions(tmp_path, "a", "b", "c")
    superseded(tmp_path, 2, "a", "b", "c")
    point_latest(Versions(tmp_path), "a")  # c is latest no longer: its grace begins
    retire(tmp_path, Limits(1, 0, HOUR))
    assert kept(tmp_path) == ["a", "c"]
    superseded(tmp_path, 2, "c")
    retire(tmp_path, Limits(1, 0, HOUR))
    assert kept(tmp_path) == ["a"]


def test_grace_begins_anew_where_the_clock_went_backwards(tmp_path: Path) -> None:
    copied_versions(tmp_path, "a", "b")
    superseded(tmp_path, -48, "a")
    retire(tmp_path, Limits(1, UNBOUND, HOUR))
    assert kept(tmp_path) == ["a", "b"]
    assert (tmp_path / "published" / "a").stat().st_mtime <= time.time()


def test_the_budget_counts_the_lake_and_what_versions_share_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copied_versions(tmp_path, "a", "b", "c")
    superseded(tmp_path, 2, "a", "b", "c")
    size = disk_use(tmp_path)["versions"] // 3
    shutil.rmtree(tmp_path / "published" / "b")
    shutil.copytree(tmp_path / "published" / "a", tmp_path / "published" / "b", copy_function=os.link)
    lake = open_lake(tmp_path)
    lake.directory.joinpath("hub_files.parquet.damaged").write_bytes(bytes(size // 2))
    retire(tmp_path, Limits(7, 2.6 * size, 0))
    assert kept(tmp_path) == ["a", "b", "c"]  # a and b are the same file
    retire(tmp_path, Limits(7, 1.9 * size, 0))
    assert kept(tmp_path) == ["c"]
    assert "budget" not in capsys.readouterr().err
    retire(tmp_path, Limits(7, 1.2 * size, 0))
    assert not list(lake.directory.glob("*.damaged"))
    assert "budget" not in capsys.readouterr().err
    retire(tmp_path, Limits(7, 0.5 * size, 0))
    assert kept(tmp_path) == ["c"]
    assert "more than its budget" in capsys.readouterr().err


def test_versions_are_in_the_order_they_were_published_in_whatever_the_clock_said(tmp_path: Path) -> None:
    copied_versions(tmp_path, "first", "second")
    for name, sequence, published in (("first", 1, "2031-01-01T00:00:00+00:00"), ("second", 2, "2026-01-01T00:00:00+00:00")):
        path = tmp_path / "published" / name / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"sequence": sequence, "published_at": published}))
    assert kept(tmp_path) == ["first", "second"]
    assert Versions(tmp_path).next_sequence() == 3
    assert rollback(tmp_path).name == "first"


def test_a_damaged_version_is_noticed_and_the_newest_sound_one_takes_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied_versions(tmp_path, "a", "b", "c")
    versions = Versions(tmp_path)
    assert set(read_run(versions.root / "a")["files"]) > {DATABASE, "recommendations.parquet"}
    for name in ("b", "c"):
        with (versions.root / name / "recommendations.parquet").open("r+b") as stream:
            stream.seek(100)
            stream.write(b"\0damage\0")
    assert damage(versions.root / "a") == [] and damage(versions.root / "c") == ["recommendations.parquet"]
    assert sound_latest(versions).name == "a"
    assert versions.latest().name == "a"
    assert "version c is damaged (recommendations.parquet): latest is a" in capsys.readouterr().err
    (versions.root / "a" / "run.json").write_text("{")
    assert damage(versions.root / "a") == ["run.json"]
    assert sound_latest(versions) is None
    assert kept(tmp_path) == ["b", "c"]


def test_rollback_refuses_a_damaged_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from flows.cli import main

    copied_versions(tmp_path, "a", "b")
    (tmp_path / "published" / "a" / "rejects.parquet").unlink()
    assert main(["rollback", "--data", str(tmp_path)]) == 2
    assert "version a is damaged: rejects.parquet" in capsys.readouterr().err
    assert Versions(tmp_path).latest().name == "b"


def test_over_the_budget_the_lake_forgets_what_nobody_asks_for(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    now = datetime.now(UTC)
    facts = {"status": "ok", "source": "hub", "fetched_at": now, "read_at": now}
    write_table(lake, "hub_files", frame_of("hub_files", [{"model_id": name, **facts} for name in ("asked/for", "no/longer")]))
    write_requested(lake, ["asked/for"])
    retire(tmp_path, Limits(1, UNBOUND, 0))
    assert read_table(lake, "hub_files").height == 2
    retire(tmp_path, Limits(1, 0, 0))
    assert read_table(lake, "hub_files")["model_id"].to_list() == ["asked/for"]


def test_a_reader_is_never_disturbed_by_versions_that_come_and_go(tmp_path: Path) -> None:
    copied_versions(tmp_path, "v00")
    root = tmp_path / "published"
    answers: list[str] = []
    done = threading.Event()

    def read() -> str:
        version = (root / "latest").resolve()
        run = read_run(version)
        with open_version(version) as connection:
            assert connection.table("recommendations").count("*").fetchall() == [(run["counts"]["recommendations"],)]
        assert pl.scan_parquet(version / "models.parquet").select(pl.len()).collect().item() == run["counts"]["models"]
        assert run["run_id"] == version.name
        return version.name

    def publish_again_and_again() -> None:
        for number in range(1, 100):
            if number > 20 and len(set(answers)) > 1:  # a slow reader has seen another version too
                break
            name = f"v{number:02}"
            shutil.copytree(root / "latest", root / f".{name}", copy_function=os.link)
            run = read_run(root / f".{name}") | {"run_id": name, "sequence": number + 1}
            (root / f".{name}" / "run.json").unlink()
            (root / f".{name}" / "run.json").write_text(json.dumps(run))
            (root / f".{name}").rename(root / name)
            point_latest(Versions(tmp_path), name)
            retire(tmp_path, Limits(1, 0, HOUR))
        done.set()

    publishing = threading.Thread(target=publish_again_and_again)
    publishing.start()
    while not done.is_set():
        answers.append(read())
    publishing.join()
    assert answers == sorted(answers) and len(set(answers)) > 1
