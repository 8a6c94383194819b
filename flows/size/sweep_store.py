"""The store of sweeps: `<data>/sizing/<run>/`, one journal per table, each row on disk as soon as it is measured.

A run is never changed by a later one and never removed. Without `append` a run starts a new group and estimates rest on
the latest group; with it the run joins the group before it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from flows.system.whole_file import write_whole

if TYPE_CHECKING:
    import polars as pl

_SWEEP = "sweep.json"
_JOURNALS = ("sweep_levels", "requests", "workflow_items", "measurements")


class SweepStoreError(ValueError):
    """There is no such sweep, or it cannot be read."""


class SweepWriter:
    """A run being recorded. Use as a context manager; `append` rows as they are measured.

    Every row is written to its journal at once, so that a kill loses nothing, and a separate thread flushes the journals
    to disk, so that measuring does not wait for the disk.
    """

    def __init__(self, directory: Path, run: str) -> None:
        self.directory = directory
        self.run = run
        self._journals = {
            table: os.open(directory / f"{table}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) for table in _JOURNALS
        }
        self._unsynced: set[int] = set()
        self._wake, self._closing = threading.Event(), False
        self._thread = threading.Thread(target=self._flush, name="sweep journal", daemon=True)
        self._thread.start()

    def append(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Write rows of one table to its journal."""
        text = "".join(json.dumps({**row, "run": self.run}, default=str, separators=(",", ":")) + "\n" for row in rows)
        journal = self._journals[table]
        remaining = text.encode()
        while remaining:
            remaining = remaining[os.write(journal, remaining) :]
        self._unsynced.add(journal)
        self._wake.set()

    def _flush(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            while self._unsynced:
                os.fsync(self._unsynced.pop())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing = True
        self._wake.set()
        self._thread.join()
        for journal in self._journals.values():
            os.fsync(journal)
            os.close(journal)


def create_run(data: Path, sweep: Mapping[str, object], append: bool) -> SweepWriter:
    """A new run with the given facts of the `sweeps` table (without run and run_group), ready to be written to."""
    now = datetime.now(UTC)
    run = name_of_moment(now)
    latest = latest_run(data) if append else None
    group = str(read_sweep(data, latest)["run_group"]) if latest else run
    directory = data / "sizing" / run
    directory.mkdir(parents=True)
    facts = {**sweep, "run": run, "run_group": group, "started_at": now.isoformat()}
    write_whole(directory / _SWEEP, json.dumps(facts, indent=2, ensure_ascii=False).encode())
    return SweepWriter(directory, run)


def name_of_moment(moment: datetime) -> str:
    """The name of a run or an estimate that begins at a moment (UTC); names sort as their moments."""
    return moment.strftime("%Y%m%dT%H%M%S_%fZ")


def runs(data: Path) -> list[str]:
    """The runs that are kept, oldest first."""
    return sorted(path.parent.name for path in (data / "sizing").glob(f"*/{_SWEEP}"))


def latest_run(data: Path) -> str | None:
    """The run that was started last."""
    return next(reversed(runs(data)), None)


def read_sweep(data: Path, run: str) -> dict[str, object]:
    """The facts of one run."""
    if run not in runs(data):
        known = ", ".join(runs(data)[-3:]) or "none; measure or import one first"
        raise SweepStoreError(f"no sweep {run!r} in {data / 'sizing'}; the last are {known}")
    return json.loads((data / "sizing" / run / _SWEEP).read_text(encoding="utf-8"))


def read_group(data: Path, run: str | None = None) -> dict[str, pl.DataFrame]:
    """The tables of a sweep and of those appended to one another with it; of the latest group when no run is named.

    Raises SweepStoreError when there is none.
    """
    from transforms.tables.contracts import frame_of

    name = run or latest_run(data)
    if name is None:
        raise SweepStoreError(f"no sweep in {data / 'sizing'}: measure or import one first")
    group = read_sweep(data, name)["run_group"]
    sweeps = [facts for facts in (read_sweep(data, each) for each in runs(data)) if facts["run_group"] == group]
    frames = {"sweeps": frame_of("sweeps", [_known_columns("sweeps", facts) for facts in sweeps])}
    for table in _JOURNALS:
        rows = [row for facts in sweeps for row in _journal(data / "sizing" / str(facts["run"]) / f"{table}.jsonl")]
        frames[table] = frame_of(table, _last_of_each_key(table, rows))
    return frames


def read_all(data: Path) -> dict[str, pl.DataFrame]:
    """The tables of every sweep that is kept."""
    import polars as pl

    groups = {str(read_sweep(data, run)["run_group"]): run for run in runs(data)}
    read = [read_group(data, run) for run in groups.values()]
    return {table: pl.concat([frames[table] for frames in read]) for table in ("sweeps", *_JOURNALS)} if read else {}


def _journal(path: Path) -> list[dict[str, object]]:
    if not path.is_file():
        return []
    # A kill leaves at most the last line unfinished.
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines() if line]


def _last_of_each_key(table: str, rows: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """The last row of each key: a level is written when it starts and again when it ends."""
    from transforms.tables.contracts import TABLES

    key = TABLES[table].key
    return list({tuple(row[column] for column in key): _known_columns(table, row) for row in rows}.values())


def _known_columns(table: str, row: Mapping[str, object]) -> dict[str, object]:
    from transforms.tables.contracts import TABLES
    from transforms.tables.fields import FIELDS

    known = {column: row.get(column) for column in TABLES[table].columns}
    for column, value in known.items():
        if FIELDS[column].type == "TIMESTAMPTZ" and isinstance(value, str):
            known[column] = datetime.fromisoformat(value)
    return known
