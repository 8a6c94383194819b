"""The lake: tables whole or as they were, damage noticed and set aside, the journal merged without losing or doubling a row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from small_repos import crawled

from flows.crawl.fetch_model import Fetched
from flows.crawl.journal import Journal, interrupted_run, merge_journal
from flows.lake.lake import Lake, LakeError, open_lake, read_queries, read_table, refresh_lock, write_queries, write_table
from transforms.tables.contracts import ContractError, frame_of
from transforms.tables.records import HubFiles

NOW = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def row(model_id: str, **changes: object) -> HubFiles:
    facts = {"sha": "a1", "config_json": '{"naïve": "\\u2028"}', "header_summary": "{}", "downloads": 1, "last_modified": NOW}
    return replace(HubFiles(model_id, "ok", "hub", NOW), **{**facts, **changes})  # type: ignore[arg-type]


def table(lake: Lake) -> dict[str, dict[str, object]]:
    return {entry["model_id"]: entry for entry in crawled(lake).drop("read_at").to_dicts()}


def journal(lake: Lake, *results: Fetched, full: bool = False) -> None:
    with Journal(lake, full) as opened:
        opened.append(results)


def test_a_table_reads_back_as_written(lake: Lake) -> None:
    frame = frame_of("rejects", [{"model_id": "a", "code": "gated", "message": "", "fetched_at": NOW}])
    write_table(lake, "rejects", frame)
    read = read_table(lake, "rejects")
    assert read is not None and read.equals(frame) and read.schema == frame.schema
    assert read_table(lake, "models") is None


def test_a_frame_that_breaks_its_contract_leaves_the_table_as_it_was(lake: Lake) -> None:
    frame = frame_of("rejects", [{"model_id": "a", "code": "gated", "message": "m", "fetched_at": NOW}])
    write_table(lake, "rejects", frame)
    with pytest.raises(ContractError):
        write_table(lake, "rejects", pl.concat([frame, frame]))
    assert read_table(lake, "rejects") is not None
    assert not list(lake.directory.glob(".*"))


@pytest.mark.parametrize("position", [20, 200, -5])
def test_a_damaged_table_is_set_aside_with_one_line(lake: Lake, capsys: pytest.CaptureFixture[str], position: int) -> None:
    journal(lake, Fetched(row("a/b")))
    merge_journal(lake)
    path = lake.table("hub_files")
    data = bytearray(path.read_bytes())
    data[position] ^= 0xFF
    path.write_bytes(data)
    assert read_table(lake, "hub_files") is None
    assert path.with_name("hub_files.parquet.damaged").exists() and not path.exists()
    said = capsys.readouterr().err
    assert "damaged" in said and said.count("\n") == 1


def test_a_truncated_table_is_set_aside(lake: Lake) -> None:
    journal(lake, Fetched(row("a/b")))
    merge_journal(lake)
    os.truncate(lake.table("hub_files"), 100)
    assert read_table(lake, "hub_files", ["model_id"]) is None


def test_leftovers_of_a_killed_run_are_cleared(lake: Lake) -> None:
    (lake.directory / ".models.parquet.123.tmp").write_bytes(b"half")
    with refresh_lock(lake.root):
        assert not list(lake.directory.iterdir())


def test_a_lake_that_cannot_be_written_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(LakeError, match="use another --data"):
        open_lake(tmp_path / "data")


def test_two_refreshes_never_work_in_one_data_directory(tmp_path: Path) -> None:
    imports = "import sys; from pathlib import Path; from flows.lake.lake import refresh_lock"
    code = f"{imports}\nwith refresh_lock(Path(sys.argv[1])): pass"
    with refresh_lock(tmp_path), pytest.raises(LakeError, match="another refresh"), refresh_lock(tmp_path):
        pass
    with refresh_lock(tmp_path):
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "another refresh is at work" in other.stderr
    with refresh_lock(tmp_path):
        pass


def test_the_journal_becomes_the_table(lake: Lake) -> None:
    journal(lake, Fetched(row("a/b")), Fetched(row("c/d", status="gated", config_json=None)))
    merge_journal(lake)
    rows = table(lake)
    assert rows["a/b"] == vars(row("a/b"))
    assert rows["c/d"]["status"] == "gated"
    assert not lake.journal.exists()
    merge_journal(lake)
    assert set(table(lake)) == {"a/b", "c/d"}


def test_an_unchanged_model_keeps_its_texts_and_takes_new_counts(lake: Lake) -> None:
    journal(lake, Fetched(row("a/b")))
    merge_journal(lake)
    later = NOW.replace(year=2026)
    journal(lake, Fetched(row("a/b", downloads=9, config_json=None, header_summary=None, fetched_at=later), unchanged=True))
    merge_journal(lake)
    assert table(lake)["a/b"] == {**vars(row("a/b")), "downloads": 9, "fetched_at": later}


def test_unchanged_since_an_interrupted_run_keeps_what_that_run_wrote(lake: Lake) -> None:
    journal(lake, Fetched(row("a/b", sha="b2")))
    journal(lake, Fetched(row("a/b", sha="b2", downloads=9, config_json=None), unchanged=True))
    merge_journal(lake)
    assert table(lake)["a/b"] == {**vars(row("a/b", sha="b2")), "downloads": 9}


def test_unchanged_without_the_texts_that_it_refers_to_is_no_fact(lake: Lake) -> None:
    journal(lake, Fetched(row("a/b"), unchanged=True))
    merge_journal(lake)
    assert table(lake) == {}


def test_nonsense_about_a_commit_that_was_understood_never_displaces_facts(lake: Lake) -> None:
    journal(lake, Fetched(row("a/b")), Fetched(row("c/d")))
    merge_journal(lake)
    extracted = {"model_id": "a/b", "read_at": NOW, "extractor": "x", "architecture_key": "key", "represents": False}
    write_table(lake, "extractions", frame_of("extractions", [extracted]))
    later = NOW.replace(year=2026)
    for nonsense in (
        {"config_json": "<html>"},
        {"status": "over_bound", "header_summary": None},
        {"header_summary": None},
        {"status": "no_config", "config_json": None, "header_summary": None},
    ):
        journal(lake, *(Fetched(row(name, fetched_at=later, downloads=9, **nonsense)) for name in ("a/b", "c/d")))
        merge_journal(lake)
        rows = table(lake)
        assert rows["a/b"] == {**vars(row("a/b")), "downloads": 9, "fetched_at": later}  # understood: what was read stays
        assert rows["c/d"]["status"] == nonsense.get("status", "ok") and rows["c/d"]["fetched_at"] == later
    for real in ({"header_summary": "worded anew"}, {"sha": "b2", "config_json": "{}"}, {"status": "gated", "config_json": None}):
        journal(lake, Fetched(row("a/b", fetched_at=later, **real)))
        merge_journal(lake)
        assert all(table(lake)["a/b"][column] == value for column, value in real.items())
        write_table(lake, "extractions", frame_of("extractions", [{**extracted, "read_at": later}]))


def test_a_network_failure_never_displaces_facts(lake: Lake) -> None:
    failed = row("a/b", status="network_failure", config_json=None, sha=None)
    journal(lake, Fetched(row("a/b")))
    merge_journal(lake)
    journal(lake, Fetched(failed), Fetched(replace(failed, model_id="c/d")))
    merge_journal(lake)
    rows = table(lake)
    assert rows["a/b"]["status"] == "ok"
    assert rows["c/d"]["status"] == "network_failure"
    journal(lake, Fetched(row("c/d")))
    merge_journal(lake)
    assert table(lake)["c/d"]["status"] == "ok"


@pytest.mark.parametrize("torn", [b'{"unchanged":false,"row":{"model_id":"x/', b"\x00\x00\x00", b'{"unchanged":false,"row":'])
def test_a_torn_last_line_is_cut_off(lake: Lake, torn: bytes) -> None:
    journal(lake, Fetched(row("a/b")))
    with lake.journal.open("ab") as stream:
        stream.write(torn)
    assert interrupted_run(lake, full=False).done == {"a/b"}
    journal(lake, Fetched(row("c/d")))
    merge_journal(lake)
    assert set(table(lake)) == {"a/b", "c/d"}


def test_what_an_interrupted_run_need_not_ask_again(lake: Lake) -> None:
    journal(lake, Fetched(row("a/b")), Fetched(row("c/d", status="network_failure")))
    left = interrupted_run(lake, full=False)
    assert left.done == {"a/b"}
    assert interrupted_run(lake, full=True).done == frozenset()


def test_an_interrupted_run_of_long_ago_is_asked_again_and_its_results_stay(lake: Lake) -> None:
    journal(lake, Fetched(row("a/b")))
    lines = lake.journal.read_text().splitlines()
    lines[0] = json.dumps({"run": {"started_at": "2020-01-01T00:00:00+00:00", "full": False}})
    lake.journal.write_text("\n".join(lines) + "\n")
    assert not interrupted_run(lake, full=False).done
    merge_journal(lake)
    assert table(lake)["a/b"]["sha"] == "a1"


def test_a_clock_that_went_back_does_not_make_an_interrupted_run_count(lake: Lake) -> None:
    journal(lake, Fetched(row("a/b")))
    lines = lake.journal.read_text().splitlines()
    lines[0] = json.dumps({"run": {"started_at": "2999-01-01T00:00:00+00:00", "full": False}})
    lake.journal.write_text("\n".join(lines) + "\n")
    assert not interrupted_run(lake, full=False).done


def test_answers_of_queries_are_remembered_and_a_damaged_memory_is_set_aside(lake: Lake) -> None:
    write_queries(lake, {"hub: author=a": ["a/b"]})
    assert read_queries(lake) == {"hub: author=a": ["a/b"]}
    lake.queries.write_text("[1")
    assert read_queries(lake) == {}
    assert not lake.queries.exists()
