"""The journal of a crawl: merged without losing or doubling a row, whatever a crash left of it."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from journalled import NOW, journal, row, table

from flows.crawl.fetch_model import FetchedModel
from flows.crawl.journal import interrupted_run, merge_journal
from flows.lake.lake import Lake, read_table, write_table
from transforms.tables.contracts import frame_of


def test_a_truncated_table_is_set_aside(lake: Lake) -> None:
    journal(lake, FetchedModel(row("a/b")))
    merge_journal(lake)
    os.truncate(lake.table("hub_files"), 100)
    assert read_table(lake, "hub_files", ["model_id"]) is None


def test_the_journal_becomes_the_table(lake: Lake) -> None:
    journal(lake, FetchedModel(row("a/b")), FetchedModel(row("c/d", status="gated", config_json=None)))
    merge_journal(lake)
    rows = table(lake)
    assert rows["a/b"] == vars(row("a/b"))
    assert rows["c/d"]["status"] == "gated"
    assert not lake.journal.exists()
    merge_journal(lake)
    assert set(table(lake)) == {"a/b", "c/d"}


def test_an_unchanged_model_keeps_its_texts_and_takes_new_counts(lake: Lake) -> None:
    journal(lake, FetchedModel(row("a/b")))
    merge_journal(lake)
    later = NOW.replace(year=2026)
    journal(lake, FetchedModel(row("a/b", downloads=9, config_json=None, header_summary=None, fetched_at=later), unchanged=True))
    merge_journal(lake)
    assert table(lake)["a/b"] == {**vars(row("a/b")), "downloads": 9, "fetched_at": later}


def test_unchanged_since_an_interrupted_run_keeps_what_that_run_wrote(lake: Lake) -> None:
    journal(lake, FetchedModel(row("a/b", sha="b2")))
    journal(lake, FetchedModel(row("a/b", sha="b2", downloads=9, config_json=None), unchanged=True))
    merge_journal(lake)
    assert table(lake)["a/b"] == {**vars(row("a/b", sha="b2")), "downloads": 9}


def test_unchanged_without_the_texts_that_it_refers_to_is_no_fact(lake: Lake) -> None:
    journal(lake, FetchedModel(row("a/b"), unchanged=True))
    merge_journal(lake)
    assert table(lake) == {}


def test_nonsense_about_a_commit_that_was_understood_never_displaces_facts(lake: Lake) -> None:
    journal(lake, FetchedModel(row("a/b")), FetchedModel(row("c/d")))
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
        journal(lake, *(FetchedModel(row(name, fetched_at=later, downloads=9, **nonsense)) for name in ("a/b", "c/d")))
        merge_journal(lake)
        rows = table(lake)
        assert rows["a/b"] == {**vars(row("a/b")), "downloads": 9, "fetched_at": later}  # understood: what was read stays
        assert rows["c/d"]["status"] == nonsense.get("status", "ok") and rows["c/d"]["fetched_at"] == later
    for real in ({"header_summary": "worded anew"}, {"sha": "b2", "config_json": "{}"}, {"status": "gated", "config_json": None}):
        journal(lake, FetchedModel(row("a/b", fetched_at=later, **real)))
        merge_journal(lake)
        assert all(table(lake)["a/b"][column] == value for column, value in real.items())
        write_table(lake, "extractions", frame_of("extractions", [{**extracted, "read_at": later}]))


def test_a_network_failure_never_displaces_facts(lake: Lake) -> None:
    failed = row("a/b", status="network_failure", config_json=None, sha=None)
    journal(lake, FetchedModel(row("a/b")))
    merge_journal(lake)
    journal(lake, FetchedModel(failed), FetchedModel(replace(failed, model_id="c/d")))
    merge_journal(lake)
    rows = table(lake)
    assert rows["a/b"]["status"] == "ok"
    assert rows["c/d"]["status"] == "network_failure"
    journal(lake, FetchedModel(row("c/d")))
    merge_journal(lake)
    assert table(lake)["c/d"]["status"] == "ok"


@pytest.mark.parametrize("torn", [b'{"unchanged":false,"row":{"model_id":"x/', b"\x00\x00\x00", b'{"unchanged":false,"row":'])
def test_a_torn_last_line_is_cut_off(lake: Lake, torn: bytes) -> None:
    journal(lake, FetchedModel(row("a/b")))
    with lake.journal.open("ab") as stream:
        stream.write(torn)
    assert interrupted_run(lake, full=False).done == {"a/b"}
    journal(lake, FetchedModel(row("c/d")))
    merge_journal(lake)
    assert set(table(lake)) == {"a/b", "c/d"}


def test_what_an_interrupted_run_need_not_ask_again(lake: Lake) -> None:
    journal(lake, FetchedModel(row("a/b")), FetchedModel(row("c/d", status="network_failure")))
    left = interrupted_run(lake, full=False)
    assert left.done == {"a/b"}
    assert interrupted_run(lake, full=True).done == frozenset()


def test_an_interrupted_run_of_long_ago_is_asked_again_and_its_results_stay(lake: Lake) -> None:
    journal(lake, FetchedModel(row("a/b")))
    lines = lake.journal.read_text().splitlines()
    lines[0] = json.dumps({"run": {"started_at": "2020-01-01T00:00:00+00:00", "full": False}})
    lake.journal.write_text("\n".join(lines) + "\n")
    assert not interrupted_run(lake, full=False).done
    merge_journal(lake)
    assert table(lake)["a/b"]["sha"] == "a1"


def test_a_clock_that_went_back_does_not_make_an_interrupted_run_count(lake: Lake) -> None:
    journal(lake, FetchedModel(row("a/b")))
    lines = lake.journal.read_text().splitlines()
    lines[0] = json.dumps({"run": {"started_at": "2999-01-01T00:00:00+00:00", "full": False}})
    lake.journal.write_text("\n".join(lines) + "\n")
    assert not interrupted_run(lake, full=False).done
