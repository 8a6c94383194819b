"""Whether a published version is still what was written: every file has its size and SHA-256 in run.json."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flows.printing.progress import say
from flows.system.checksum import file_sha256
from flows.versions.pointer import point_latest
from flows.versions.versions import RUN, FileSum, Versions, read_run


def file_sums(version: Path) -> dict[str, FileSum]:
    """Bytes and SHA-256 of every file of a version but run.json, which they become part of."""
    paths = sorted(path for path in version.rglob("*") if path.is_file() and path.name != RUN)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sums = pool.map(file_sha256, paths)
        return {
            str(path.relative_to(version)): {"bytes": path.stat().st_size, "sha256": sha256}
            for path, sha256 in zip(paths, sums, strict=True)
        }


def damage(version: Path) -> list[str]:
    """Names of a version's files that are missing, unreadable or other than written."""
    try:
        written = read_run(version).get("files", {})
    except (OSError, ValueError, AttributeError):
        return [RUN]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sound = pool.map(_is_sound, (version / name for name in written), written.values())
        return [name for name, is_sound in zip(written, sound, strict=True) if not is_sound]


def _is_sound(path: Path, sums: FileSum) -> bool:
    try:
        return path.stat().st_size == sums["bytes"] and file_sha256(path) == sums["sha256"]
    except OSError:
        return False


def sound_latest(versions: Versions) -> Path | None:
    """The latest version if it is sound; else the newest sound one, which `latest` then names, or None.

    A damaged version is named on the terminal and not offered again; where it is the only one, `latest` stays on it until the
    next is built.
    """
    latest = versions.latest()
    damaged = damage(latest) if latest else []
    if not damaged:
        return latest
    assert latest is not None
    older = [version for version in reversed(versions.all()) if version != latest and not damage(version)]
    if older:
        point_latest(versions, older[0].name)
        say(f"version {latest.name} is damaged ({', '.join(damaged)}): latest is {older[0].name} until the next is built")
        return older[0]
    say(f"version {latest.name} is damaged ({', '.join(damaged)}) and no other is kept: it is built anew")
    return None
