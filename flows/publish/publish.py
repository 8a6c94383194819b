"""Publishing: a new version is built aside, checked, and becomes `latest` in one atomic step.

`published/.<run id>.partial/` is filled, checked and synced to disk, renamed to `published/<run id>/`, and only then the symlink
`published/latest` is replaced. Readers keep reading what they opened; a process killed at any moment leaves `latest`
at a complete version, and the next run clears away what it left.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

import polars as pl

from flows.estimate.grid import Grid, compute_grid
from flows.estimate.row_checks import PublishError, check_facts
from flows.lake.lake import Lake
from flows.publish.version_checks import check_published
from flows.publish.version_files import VersionKeys, version_before, write_files
from flows.system.lock import take_lock
from flows.system.whole_file import sync, sync_tree
from flows.versions.integrity import file_sums, sound_latest
from flows.versions.pointer import point_latest
from flows.versions.retention import limits_of, retire
from flows.versions.versions import RUN, Coverage, Versions
from transforms.catalogs.freshness import freshness
from transforms.tables import contracts

_VOLATILE = ("fetched_at", "downloads", "likes")
"""Columns that differ between two crawls of the same facts, left out of the content hash."""

_LOCK = ".lock"
"""File of the versions' directory that one publisher at a time has locked."""

_TOOLS = ("shapefit", "duckdb", "polars", "pyarrow", "huggingface_hub", "prefect")


@dataclass(frozen=True)
class Published:
    """A version that was published: where it is, how many rows it holds and what changed."""

    run_id: str
    path: Path
    counts: dict[str, int]
    changes: dict[str, int] = field(default_factory=dict)
    unchanged: bool = False
    seconds: float = 0.0


def publish(
    data: Path,
    run_id: str,
    tables: dict[str, pl.DataFrame],
    facts: dict[str, object] | None = None,
    grid: Grid | None = None,
) -> Published:
    """Build, check and publish a version, and make it `latest`.

    Args:
        data: the data directory.
        run_id: name of the version, a plain file name that no version has yet.
        tables: the extracted tables (models, architectures, parameter_groups, layer_groups, rejects) and every catalog, by name.
        facts: what the run knows of itself, copied into run.json; `requested` (what models were asked for) decides whether
            models lost since the version before count as lost.
        grid: the computed grid of these tables; computed here when absent.

    Raises PublishError, with what failed, when a check fails; `latest` is then as it was.
    """
    started = time.monotonic()
    versions = Versions(data)
    target = versions.root / run_id
    if not run_id or Path(run_id).name != run_id or run_id.startswith(".") or run_id == versions.latest_link.name:
        raise PublishError(f"{run_id!r} cannot name a version: a plain name is needed")
    versions.root.mkdir(parents=True, exist_ok=True)
    with take_lock(versions.root / _LOCK, wait=True):
        _remove_leftovers(versions.root)
        if target.exists():
            raise PublishError(f"version {run_id} exists already in {versions.root}")
        tables = check_facts(tables)
        before = sound_latest(versions)
        partial = versions.root / f".{run_id}.partial"
        partial.mkdir()
        if grid is None:
            grid = compute_grid(Lake(data).directory, tables)
        inputs = {name: {"rows": frame.height, "sha256": _frame_hash(name, frame)} for name, frame in sorted(tables.items())}
        keys = _version_keys(inputs, grid)
        same = version_before(before, keys)
        written = write_files(partial, tables, grid, same)
        check_published(partial, tables, before, facts or {})
        dictionary = contracts.database_dictionary()
        (partial / "data_dictionary.md").write_text(
            f"{dictionary}\n{written.left_out}.\n" if written.left_out else dictionary, encoding="utf-8"
        )
        moment = datetime.now(UTC)
        run = {
            **(facts or {}),
            "run_id": run_id,
            "sequence": versions.next_sequence(),
            "published_at": moment.isoformat(timespec="microseconds"),
            "previous": before.name if before else None,
            "content_hash": keys.content,
            "grid_hash": keys.grid,
            "unchanged": same.same_content,
            "counts": written.counts,
            "recommendations_left_out": written.left_out,
            "changes": written.changes,
            "coverage": _coverage(tables),
            "freshness": freshness(tables, moment),
            "inputs": inputs,
            "files": file_sums(partial),
            "tools": _tools(),
            "build_seconds": round(time.monotonic() - started, 1),
        }
        (partial / RUN).write_text(json.dumps(run, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
        sync_tree(partial)
        partial.rename(target)
        sync(versions.root)
        point_latest(versions, run_id)
        retire(data, limits_of(tables["policies"]))
    return Published(run_id, target, written.counts, written.changes, same.same_content, time.monotonic() - started)


def _coverage(tables: dict[str, pl.DataFrame]) -> Coverage:
    rejects = tables["rejects"].group_by("code").len().sort("code")
    return {
        "models": tables["models"].height,
        "models_by_source": dict(tables["models"].group_by("source").len().sort("source").iter_rows()),
        "architectures": tables["architectures"].height,
        "rejects": tables["rejects"].height,
        "rejects_by_code": dict(rejects.iter_rows()),
        "shapes": tables["shapes"].height,
        "providers": tables["shapes"]["provider"].n_unique(),
        "priced_shapes": tables["prices"].drop_nulls("usd_per_hour").select("provider", "shape").n_unique(),
    }


def _tools() -> dict[str, str]:
    tools = {"python": platform.python_version()}
    for package in _TOOLS:
        try:
            tools[package] = version(package)
        except PackageNotFoundError:
            continue
    return tools


def _frame_hash(name: str, frame: pl.DataFrame) -> str:
    """SHA-256 of a table's facts: rows in key order, without what changes from crawl to crawl."""
    facts = frame.sort(contracts.TABLES[name].key, nulls_last=True).drop(_VOLATILE, strict=False)
    return hashlib.sha256(facts.write_csv().encode()).hexdigest()


def _version_keys(inputs: dict[str, dict[str, object]], grid: Grid) -> VersionKeys:
    """SHA-256 of all that a version follows from: catalogs, SQL, declarations and the grid; then the crawled facts."""
    digest = hashlib.sha256(grid.key.encode())
    digest.update(json.dumps([inputs[name]["sha256"] for name in contracts.CATALOG_TABLES]).encode())
    digest.update(contracts.database_dictionary().encode())
    digest.update(
        json.dumps([(table.name, table.order, table.row_group_rows) for table in contracts.tables_to_parquet()]).encode()
    )
    for path in sorted(Path(str(files("sql"))).rglob("*.sql")):
        digest.update(path.read_bytes())
    per_architecture = digest.hexdigest()
    digest.update(json.dumps([entry["sha256"] for entry in inputs.values()]).encode())
    return VersionKeys(per_architecture, digest.hexdigest())


def _remove_leftovers(root: Path) -> None:
    """Remove what a killed run left: half-built and half-deleted versions, and temporary links."""
    for entry in root.iterdir():
        if entry.name.startswith(".") and entry.name != _LOCK:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
