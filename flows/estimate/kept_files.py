"""Computed files of the lake: the results of the grid's buckets, each named by all that it follows from and by what it holds.

    <data>/lake/computed/<stage>/<key>.<sum>.parquet

The key is a hash of the inputs, so that a run which would compute the same finds it done. The sum is a hash of the file, so that
a damaged one is noticed when it is taken up, set aside and computed again. However many write, and however often: a file
appears whole under its name or not at all.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import polars as pl

from flows.printing.progress import say

_HALF = 32
"""Hexadecimal digits of a key, and of a sum: 128 bits."""

_TEMPORARY = ".tmp"


@dataclass(frozen=True)
class KeptFiles:
    """The computed files of one stage in a lake's directory."""

    lake: Path
    stage: str

    @property
    def directory(self) -> Path:
        """Where the files of this stage are."""
        return self.lake / "computed" / self.stage

    def files(self) -> dict[str, Path]:
        """Every file by its key; none is read."""
        if not self.directory.is_dir():
            return {}
        return {_key(path): path for path in sorted(self.directory.glob("*.parquet"))}

    def write(self, key: str, write: Callable[[Path], object]) -> Path:
        """Keep under a key what `write` puts into the path that it is given."""
        self.directory.mkdir(parents=True, exist_ok=True)
        temporary = self.directory / f".{key}.{uuid4().hex}{_TEMPORARY}"
        try:
            write(temporary)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            path = self.directory / f"{key}.{_sum(temporary)}.parquet"
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path

    def keep_only(self, used: Collection[Path], seconds: float) -> None:
        """Note that these files were used now; delete others of their keys, those unused for this many seconds, and leftovers."""
        now, keys = time.time(), {_key(path) for path in used}
        for path in self.directory.glob("*.parquet"):
            if path in used:
                os.utime(path)
            elif _key(path) in keys or now - path.stat().st_mtime > seconds:
                path.unlink(missing_ok=True)
        for leftover in self.directory.glob(f".*{_TEMPORARY}"):
            leftover.unlink(missing_ok=True)


def is_sound(path: Path) -> bool:
    """Whether a computed file is what was written; a damaged one is set aside, with one line."""
    if path.name.split(".")[1] == _sum(path):
        return True
    path.replace(path.with_name(path.name + ".damaged"))
    say(f"{path} is damaged: set aside as {path.name}.damaged, its rows are computed again")
    return False


def frame_sum(frame: pl.DataFrame) -> str:
    """A hash of a frame's columns and rows, whatever their order."""
    return hashlib.sha256(frame.sort(frame.columns).write_csv().encode()).hexdigest()[:_HALF]


def key_of(*parts: object) -> str:
    """A key from the parts' texts (numbers, names, other keys), in their order."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()[:_HALF]


def _key(path: Path) -> str:
    return path.name.split(".")[0]


def _sum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:_HALF]
