"""The lake: tables whole or as they were, damage noticed and set aside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from journalled import NOW, journal, row

from flows.crawl.fetch_model import FetchedModel
from flows.crawl.journal import merge_journal
from flows.lake.lake import Lake, LakeError, open_lake, read_queries, read_table, refresh_lock, write_queries, write_table
from transforms.tables.contracts import ContractError, frame_of


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
    journal(lake, FetchedModel(row("a/b")))
    merge_journal(lake)
    path = lake.table("hub_files")
    data = bytearray(path.read_bytes())
    data[position] ^= 0xFF
    path.write_bytes(data)
    assert read_table(lake, "hub_files") is None
    assert path.with_name("hub_files.parquet.damaged").exists() and not path.exists()
    said = capsys.readouterr().err
    assert "damaged" in said and said.count("\n") == 1


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


def test_answers_of_queries_are_remembered_and_a_damaged_memory_is_set_aside(lake: Lake) -> None:
    write_queries(lake, {"hub: author=a": ["a/b"]})
    assert read_queries(lake) == {"hub: author=a": ["a/b"]}
    lake.queries.write_text("[1")
    assert read_queries(lake) == {}
    assert not lake.queries.exists()
