"""Retention: the last versions and the lake, within a disk budget, and nothing that a reader may still be reading.

A version is retired when it is neither among the last `versions_kept` nor within `disk_budget_gib` (the lake and newer versions
counted first), but never the one that `latest` names and none that `latest` named within the last `retire_grace_minutes`: who
resolved the link a moment ago finds every file.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.lake.lake import Lake, read_requested, read_table, write_table
from flows.printing.progress import say
from flows.versions.versions import Versions
from transforms.catalogs.policy_settings import setting

_GIB = 2**30
_QUARANTINED = "*.damaged"


@dataclass(frozen=True)
class Limits:
    """How many versions are kept, in how many bytes together with the lake, and for how many seconds after their time."""

    versions: int
    disk_bytes: float
    grace_s: float


def limits_of(policies: pl.DataFrame) -> Limits:
    """The limits of the policies catalog. Raises SettingError where one is missing."""
    return Limits(
        int(setting(policies, "publish", "versions_kept")),
        setting(policies, "publish", "disk_budget_gib") * _GIB,
        setting(policies, "publish", "retire_grace_minutes") * 60,
    )


def mark_superseded(version: Path) -> None:
    """Note, as the directory's time of change, that `latest` names this version no longer: its grace begins."""
    os.utime(version)


def retire(data: Path, limits: Limits) -> None:
    """Delete what the limits do not cover, and say so where the data directory is over its budget all the same.

    Deleted are versions, oldest first; then, if still over the budget, quarantined files of the lake and what it knows of models
    that the last run did not ask for, which would be fetched again if they were.
    """
    versions, lake = Versions(data), Lake(data)
    latest = versions.latest()
    seen: set[tuple[int, int]] = set()
    used = _new_bytes(lake.directory, seen)
    within = True
    for position, version in enumerate(reversed(versions.all())):
        with_it = set(seen)
        size = _new_bytes(version, with_it)
        within = within and position < limits.versions and used + size <= limits.disk_bytes
        if within or version == latest or _in_grace(version, limits.grace_s):
            used, seen = used + size, with_it
        else:
            _delete(version)
    if used > limits.disk_bytes:
        used -= _slim(lake)
    if used > limits.disk_bytes:
        say(
            f"{data} takes {used / _GIB:.2f} GiB, more than its budget of {limits.disk_bytes / _GIB:.2f} GiB: "
            "raise publish, disk_budget_gib in catalogs/policies.csv"
        )


def disk_use(data: Path) -> dict[str, int]:
    """Bytes of the lake and of the published versions; what versions share is counted once."""
    seen: set[tuple[int, int]] = set()
    versions = sum(_new_bytes(version, seen) for version in Versions(data).all())
    return {"lake": _new_bytes(Lake(data).directory, seen), "versions": versions}


def _in_grace(version: Path, grace_s: float) -> bool:
    since = version.stat().st_mtime
    now = time.time()
    if since > now:  # the clock went backwards: the grace begins again rather than last until the clock is there again
        os.utime(version)
        return True
    return now - since < grace_s


def _delete(version: Path) -> None:
    doomed = version.with_name(f".{version.name}.retired")
    version.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _slim(lake: Lake) -> int:
    """Remove what the lake can do without; returns the bytes that are free for it."""
    before = _new_bytes(lake.directory, set())
    for path in lake.directory.rglob(_QUARANTINED):
        path.unlink()
    table, requested = read_table(lake, "hub_files"), read_requested(lake)
    if table is not None and requested:
        asked_for = table.filter(pl.col("model_id").is_in(requested))  # the next crawl drops texts that no row names any more
        if asked_for.height < table.height:
            write_table(lake, "hub_files", asked_for)
            say(f"over the disk budget: the lake forgets {table.height - asked_for.height:,} models that were not asked for")
    return before - _new_bytes(lake.directory, set())


def _new_bytes(directory: Path, seen: set[tuple[int, int]]) -> int:
    """Bytes of a directory's files that are not among those seen, by inode: an unchanged file may be shared by versions."""
    total = 0
    for folder, _, names in os.walk(directory):  # one look at each file, of which there are thousands
        for name in names:
            status = Path(folder, name).lstat()
            if stat.S_ISREG(status.st_mode) and (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size
    return total
