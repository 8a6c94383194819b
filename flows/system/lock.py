"""A lock between processes, which the kernel frees when the process that holds it ends, however it ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO


class LockHeldError(Exception):
    """Another process, or another part of this one, holds the lock."""


def take_lock(path: Path, wait: bool = False) -> TextIO:
    """Lock a file, made if absent, and return it open: closing it gives the lock back, as does leaving it as a context manager.

    Args:
        path: the file; its content does not matter and is not changed.
        wait: wait until the lock is given back, instead of raising LockHeldError.

    Raises OSError where the file cannot be opened.
    """
    held = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(held, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException as error:
        held.close()
        if isinstance(error, BlockingIOError):
            raise LockHeldError(str(path)) from None
        raise
    return held
