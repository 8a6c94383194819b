"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.system.whole_file import remove_unfinished, sync, sync_tree, take_place, temporary_beside, whole_file, write_whole


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "made" / "for" / "it" / "file"
    write_whole(path, b"old")
    with whole_file(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"file": b"old"}


def test_what_a_killed_process_leaves_is_hidden_and_can_be_removed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    code = (
        "import os, signal, sys; from pathlib import Path; from flows.system.whole_file import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as stream: stream.write(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert ended.returncode == -signal.SIGKILL
    left = [each for each in tmp_path.iterdir() if each != path]
    assert len(left) == 1 and left[0].name.startswith(".") and path.read_bytes() == b"old"
    remove_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_writers_of_one_file_do_not_write_into_each_other(tmp_path: Path) -> None:
    with temporary_beside(tmp_path / "file") as one, temporary_beside(tmp_path / "file") as other:
        one.write_bytes(b"one")
        other.write_bytes(b"other")
        take_place(one, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_what_cannot_be_flushed_but_holds_all_the_same_is_no_error(tmp_path: Path) -> None:
    sync(Path(os.devnull))  # the kernel refuses to flush it, as some network file systems refuse a directory
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(b"x")
    sync_tree(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "absent")
