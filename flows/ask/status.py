"""`shapefit status` and `shapefit rollback`: how fresh and complete the published table is, and which version is current."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from flows.database.sql_files import fetch
from flows.printing.rows import Format, Rows, emit, write_object
from flows.remote.data_directory import is_remote, open_remote, readable
from flows.versions.retention import disk_use
from flows.versions.versions import NotPublishedError, Versions, open_version, read_run, require_latest


def status_of(data: Path) -> dict[str, object]:
    """Freshness and coverage of the latest version, and the versions that are kept. Raises NotPublishedError."""
    latest = require_latest(data)
    run = read_run(latest)
    published = datetime.fromisoformat(str(run["published_at"]))
    with open_version(latest) as connection:
        (prices,) = fetch(connection, "ask/price_ages.sql").records()
    return {
        "run_id": run["run_id"],
        "path": str(latest),
        "published_at": published.isoformat(timespec="seconds"),
        "age_hours": round((datetime.now(UTC) - published).total_seconds() / 3600, 1),
        "unchanged": run["unchanged"],
        "previous": run["previous"],
        "coverage": run["coverage"],
        "freshness": run["freshness"],
        "prices": prices,
        "counts": run["counts"],
        "changes": run["changes"],
        "disk": {f"{name}_gib": round(size / 2**30, 3) for name, size in disk_use(data).items()},
        "versions": [version.name for version in Versions(data).all()],
    }


def print_status(data: Path, form: Format | None) -> int:
    """Print the status: one line a fact, or one JSON object."""
    status = status_of(readable(data))
    if is_remote(data):
        remote = open_remote(data)
        status |= {"path": f"{remote.url}/published/{status['run_id']}", "versions": remote.versions()}
    if form == "json":
        write_object(status)
        return 0
    emit(Rows(("fact", "value"), list(_flat(status))), form)
    return 0


def _flat(value: dict[str, object], prefix: str = "") -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name, entry in value.items():
        if isinstance(entry, dict):
            rows += _flat(entry, f"{prefix}{name}.")
        elif isinstance(entry, list):
            rows.append((prefix + name, ", ".join(map(str, entry))))
        else:
            rows.append((prefix + name, entry))
    return rows


def rollback(data: Path, run: str | None = None) -> Path:
    """Point `latest` to an older version (the one before the current by default) and return its directory.

    Raises NotPublishedError when there is no such version, or it is damaged; the message names those that are kept.
    """
    from flows.versions.integrity import damage
    from flows.versions.pointer import point_latest

    versions = Versions(data)
    current = require_latest(data)
    kept = [version.name for version in versions.all()]
    target = versions.root / _older(kept, current.name, run)
    damaged = damage(target)
    if damaged:
        raise NotPublishedError(f"version {target.name} is damaged: {', '.join(damaged)}; kept are {', '.join(kept)}")
    point_latest(versions, target.name)
    return target


def _older(kept: list[str], current: str, run: str | None) -> str:
    if run is None:
        older = kept[: kept.index(current)] if current in kept else kept
        if not older:
            raise NotPublishedError(f"no version is older than {current}")
        return older[-1]
    if run not in kept:
        raise NotPublishedError(f"no version {run}; kept are {', '.join(kept)}")
    return run


def print_rollback(data: Path, run: str | None) -> int:
    """Roll back and say to what. On a store it is the pointer that changes."""
    if is_remote(data):
        remote = open_remote(data)
        seen = remote.pointer_version()
        current = remote.current()
        if current is None:
            raise NotPublishedError(f"nothing is published in {remote.url}")
        remote.point(_older(remote.versions(), current, run), seen)
        data = readable(data)
    else:
        rollback(data, run)
    target = require_latest(data)
    sys.stdout.write(f"latest is {target.name} ({read_run(target)['published_at']})\n")
    return 0
