"""What many tests read and none alters, made once a run: by whichever worker needs it first, for all of them."""

from __future__ import annotations

import atexit
import fcntl
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

_run: Path | None = None


def keep_in(directory: Path) -> None:
    """Where all workers of this run keep what they make."""
    global _run
    _run = directory


def built_once(name: str, build: Callable[[Path], object]) -> Path:
    """The directory of this name, filled by `build` for the first who asks, while others wait. Read it, never write to it."""
    root = _run or _of_this_process()
    built = root / name
    with (root / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            with tempfile.TemporaryDirectory(dir=root) as directory:
                filled = Path(directory) / name
                filled.mkdir()
                build(filled)
                filled.rename(built)
    return built


@cache
def _of_this_process() -> Path:
    """Outside a run of tests: a directory that goes with the process."""
    directory = Path(tempfile.mkdtemp(prefix="shapefit-tests-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory
