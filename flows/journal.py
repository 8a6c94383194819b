"""The crawl's journal: each model's result on disk as soon as it arrives, merged into `hub_files` at the end of the crawl.

The first line says when the run began; every other line is one model. A run that was killed leaves its journal behind, and
the next one goes on from it. A torn last line is what a crash leaves: it is cut off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import polars as pl

from flows.fetch import Fetched, Known
from flows.lake import Lake, read_table, sync_directory, write_table
from transforms.contracts import empty_frame, frame_of
from transforms.records import HubFiles

REFRESHED = ("gated", "private", "disabled", "downloads", "likes", "last_modified", "fetched_at")
"""What may change at an unchanged commit; the rest of such a model's row is the lake's."""

_LONGEST_RESUME = timedelta(hours=12)  # results of an older interrupted run are facts, but the Hub is asked again
_TIMES = ("last_modified", "fetched_at")
_COLUMNS = tuple(column.name for column in fields(HubFiles))


@dataclass(frozen=True)
class Interrupted:
    """What an unfinished journal holds: facts by model id, and the models that its run need not ask for again."""

    known: dict[str, Known]
    done: frozenset[str]


class Journal:
    """The journal of a crawl under way, open for appending. Use as a context manager."""

    def __init__(self, lake: Lake, full: bool) -> None:
        self._lake = lake
        self._full = full

    def __enter__(self) -> Self:
        fresh = not self._lake.journal.exists()
        self._stream = self._lake.journal.open("ab")
        if fresh:
            self._write([{"run": {"started_at": datetime.now(UTC).isoformat(), "full": self._full}}])
            sync_directory(self._lake.directory)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.close()

    def append(self, results: Iterable[Fetched]) -> None:
        """Write results and flush them to disk: afterwards neither a kill nor a power cut loses them."""
        self._write([_line(result) for result in results])

    def _write(self, lines: list[dict[str, object]]) -> None:
        for line in lines:
            self._stream.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())


def interrupted_run(lake: Lake, full: bool) -> Interrupted:
    """What the run before this one left in its journal; the journal's torn end is cut off.

    Its models are `done` when that run began less than twelve hours ago, was as thorough, and the Hub had answered.
    """
    known: dict[str, Known] = {}
    done: set[str] = set()
    marker, entries = _read(lake)
    recent = marker is not None and datetime.now(UTC) - _LONGEST_RESUME < _time(marker["started_at"]) <= datetime.now(UTC)
    resumes = recent and (bool(marker and marker["full"]) or not full)
    for entry in entries:
        row = entry["row"]
        known[row["model_id"]] = Known(row["sha"], row["status"])
        if resumes and row["status"] != "network_failure":
            done.add(row["model_id"])
    return Interrupted(known, frozenset(done))


def merge_journal(lake: Lake) -> pl.DataFrame:
    """Merge the journal into `hub_files`, remove it, and return the table.

    A network failure never displaces facts: the model keeps its last known row.
    """
    stored = read_table(lake, "hub_files")
    table = empty_frame("hub_files") if stored is None else stored
    _, entries = _read(lake)
    if not entries:
        lake.journal.unlink(missing_ok=True)
        return table
    fresh: dict[str, dict[str, object]] = {}
    refreshed: dict[str, dict[str, object]] = {}
    settled = set(table.filter(pl.col("status") != "network_failure")["model_id"])
    for entry in entries:
        row = dict(entry["row"])
        row.update({column: _time(row[column]) for column in _TIMES if row.get(column)})
        model_id = row["model_id"]
        if entry["unchanged"] and model_id not in fresh:
            refreshed[model_id] = row
        elif entry["unchanged"]:
            fresh[model_id].update({column: row[column] for column in REFRESHED})
        elif row["status"] != "network_failure" or (model_id not in settled and model_id not in fresh):
            fresh[model_id] = row
            refreshed.pop(model_id, None)
    updates = pl.DataFrame(
        [{column: row[column] for column in ("model_id", *REFRESHED)} for row in refreshed.values()],
        schema={column: dtype for column, dtype in table.schema.items() if column in ("model_id", *REFRESHED)},
    )
    table = table.filter(~pl.col("model_id").is_in(list(fresh))).update(updates, on="model_id", how="left", include_nulls=True)
    table = pl.concat([table, frame_of("hub_files", fresh.values())]).sort("model_id")
    write_table(lake, "hub_files", table)
    lake.journal.unlink()
    sync_directory(lake.directory)
    return table


def _line(result: Fetched) -> dict[str, object]:
    row = asdict(result.files)
    if result.unchanged:
        row = {column: row[column] for column in ("model_id", "sha", "status", *REFRESHED)}
    for column in _TIMES:
        if row[column] is not None:
            row[column] = row[column].isoformat()
    return {"unchanged": result.unchanged, "row": row}


def _read(lake: Lake) -> tuple[dict | None, list[dict]]:
    """The journal's marker and entries; what follows the last whole line is cut off."""
    if not lake.journal.exists():
        return None, []
    marker: dict | None = None
    entries: list[dict] = []
    whole = 0
    with lake.journal.open("rb") as stream:
        for line in stream:
            try:
                entry = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                entry = None
            if not isinstance(entry, dict):
                break
            whole += len(line)
            if "run" in entry:
                marker = entry["run"]
            elif entry["unchanged"] or all(column in entry["row"] for column in _COLUMNS):
                entries.append(entry)
    if whole < lake.journal.stat().st_size:
        os.truncate(lake.journal, whole)
    return marker, entries


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
