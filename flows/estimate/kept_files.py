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

import polars as pl

from flows.lake.lake import set_aside
from flows.system.checksum import file_sha256
from flows.system.whole_file import remove_unfinished, take_place, temporary_beside

_HALF = 32
"""Hexadecimal digits of a key, and of a sum: 128 bits."""


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
        with temporary_beside(self.directory / key) as temporary:
            write(temporary)
            path = self.directory / f"{key}.{_sum(temporary)}.parquet"
            take_place(temporary, path)
        return path

    def keep_only(self, used: Collection[Path], seconds: float) -> None:
        """Note that these files were used now; delete others of their keys, those unused for this many seconds, and leftovers."""
        now, keys = time.time(), {_key(path) for path in used}
        for path in self.directory.glob("*.parquet"):
            if path in used:
                os.utime(path)
            elif _key(path) in keys or now - path.stat().st_mtime > seconds:
                path.unlink(missing_ok=True)
        remove_unfinished(self.directory)


def is_sound(path: Path) -> bool:
    """Whether a computed file is what was written; a damaged one is set aside, with one line."""
    if path.name.split(".")[1] == _sum(path):
        return True
    set_aside(path, "its rows are computed again")
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
    return file_sha256(path)[:_HALF]
