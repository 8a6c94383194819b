"""Which settings of the engines catalog hold for an engine's release.

A setting holds from one release until below another, or until today; a range of an engine begins wherever a setting begins
or ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import polars as pl
from packaging.version import InvalidVersion, Version


class EngineVersionError(ValueError):
    """No row of the engines catalog holds for what was asked; the message says what is known."""


def resolve_engine_version(engines: pl.DataFrame, engine: str, version: str | None) -> str:
    """The release with which the range begins that a release of an engine belongs to.

    Args:
        engines: the engines catalog (engine, version_from, version_below).
        engine: an engine of the catalog.
        version: a release as PEP 440 reads it; a development build or candidate counts as its release. None or blank: the newest.

    Raises EngineVersionError for an engine that is not catalogued, a text that is no version, and a release below every row.
    """
    settings = engines.filter(pl.col("engine") == engine)
    begins = pl.concat([settings["version_from"], settings["version_below"].drop_nulls()]).unique().to_list()
    if not begins:
        known = ", ".join(engines["engine"].unique().sort())
        raise EngineVersionError(f"engine {engine!r} is not catalogued (known: {known})")
    if version is None or not version.strip():
        return max(begins, key=_release)
    try:
        asked = _release(version.strip())
    except InvalidVersion:
        raise EngineVersionError(f"engine_version {version!r} is no version: write it as 0.19.0") from None
    reached = [begin for begin in begins if _release(begin) <= asked]
    if not reached:
        raise EngineVersionError(f"no row of the engines catalog holds for {engine} {version}")
    return max(reached, key=_release)


def is_release(text: str) -> bool:
    """True where a text names a release by whole numbers between dots, as the engines catalog writes it."""
    return all(part.isascii() and part.isdecimal() for part in text.split("."))


def overlapping_settings(engines: pl.DataFrame) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of rows that set the same thing for a release, in the order of their releases; unreadable releases are left out."""
    readable = [
        row
        for row in engines.drop_nulls(["engine", "version_from", "scope", "key"]).iter_rows(named=True)
        if is_release(row["version_from"]) and is_release(row["version_below"] or "0")
    ]
    readable.sort(key=lambda row: (row["engine"], row["scope"], row["key"], _release(row["version_from"])))
    for earlier, later in pairwise(readable):
        if all(earlier[column] == later[column] for column in ("engine", "scope", "key")):
            below = earlier["version_below"]
            if below is None or _release(below) > _release(later["version_from"]):
                yield earlier, later


def _release(version: str) -> Version:
    """The release that a version belongs to: without candidate, development and local parts."""
    return Version(Version(version).base_version)
