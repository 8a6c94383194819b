"""Files that appear whole or not at all: written beside their place, flushed to disk, then renamed into it.

A reader sees the old file or the whole new one, and neither a killed process nor a power cut leaves half of one under its name.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".tmp"
"""The ending of an unfinished file's hidden name; a killed process may leave such files behind."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A stream to a file that takes the path's place when the block ends well, and leaves nothing when it does not.

    The directory is made if absent.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_beside(path) as temporary:
        with temporary.open("wb") as stream:
            yield stream
        take_place(temporary, path)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole."""
    with whole_file(path) as stream:
        stream.write(data)


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A path in the same directory under a name that nobody else uses; what is still there when the block ends is removed."""
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}{TEMPORARY}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def take_place(temporary: Path, path: Path) -> None:
    """Flush a finished file to disk and give it its name, in place of the file that had it."""
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Flush a file's contents, or a directory's names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot flush directories: the rename holds all the same
            raise
    finally:
        os.close(descriptor)


def sync_tree(directory: Path) -> None:
    """Flush a directory and everything below it to disk."""
    for path in directory.rglob("*"):
        sync(path)
    sync(directory)


def remove_unfinished(directory: Path) -> None:
    """Remove the unfinished files that killed processes left in a directory. Only for who holds its lock."""
    for leftover in directory.glob(f".*{TEMPORARY}"):
        leftover.unlink(missing_ok=True)
