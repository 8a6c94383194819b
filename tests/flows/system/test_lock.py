"""Locks between processes, and between parts of one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flows.system.lock import LockHeldError, take_lock

HOLD = "import sys; from pathlib import Path; from flows.system.lock import take_lock; h = take_lock(Path(sys.argv[1]))\n"


def test_one_holds_it_and_the_next_is_refused_until_it_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with take_lock(path), pytest.raises(LockHeldError, match="lock"):
        take_lock(path)
    take_lock(path).close()


def test_the_kernel_frees_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    code = HOLD + "print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(LockHeldError):
            take_lock(path)
        holder.kill()
        take_lock(path, wait=True).close()


def test_who_waits_gets_it_when_it_is_given_back(tmp_path: Path) -> None:
    path, order = tmp_path / "lock", []

    def second() -> None:
        with take_lock(path, wait=True):
            order.append("second")

    with take_lock(path):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.05)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_a_lock_that_cannot_be_made_is_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        take_lock(tmp_path / "absent" / "lock")
