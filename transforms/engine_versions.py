"""Which row of the engines catalog holds for an engine's release."""

from __future__ import annotations

import polars as pl
from packaging.version import InvalidVersion, Version


class EngineVersionError(ValueError):
    """No row of the engines catalog holds for what was asked; the message says what is known."""


def resolve_engine_version(engines: pl.DataFrame, engine: str, version: str | None) -> str:
    """The `version_from` of the catalog's row for a release of an engine.

    Args:
        engines: the engines catalog (engine, version_from, version_below; ranges of one engine do not overlap).
        engine: an engine of the catalog.
        version: a release as PEP 440 reads it; a development build or candidate counts as its release. None or blank: the newest.

    Raises EngineVersionError for an engine that is not catalogued, a text that is no version, and a release below every row.
    """
    ranges = engines.filter(pl.col("engine") == engine).select("version_from", "version_below").unique().rows()
    if not ranges:
        known = ", ".join(engines["engine"].unique().sort())
        raise EngineVersionError(f"engine {engine!r} is not catalogued (known: {known})")
    if version is None or not version.strip():
        return max((first for first, _ in ranges), key=_release)
    try:
        asked = _release(version.strip())
    except InvalidVersion:
        raise EngineVersionError(f"engine_version {version!r} is no version: write it as 0.19.0") from None
    for first, below in ranges:
        if _release(first) <= asked and (below is None or asked < _release(below)):
            return first
    raise EngineVersionError(f"no row of the engines catalog holds for {engine} {version}")


def _release(version: str) -> Version:
    """The release that a version belongs to: without candidate, development and local parts."""
    return Version(Version(version).base_version)
