"""The crawl's journal: each model's result on disk as soon as it arrives, merged into `hub_files` at the end of the crawl.

The first line says when the run began; every other line is one model, or a text (config, headers) that models name by its hash,
written once however many share it. A run that was killed leaves its journal, and the next one continues from it. A crash may
leave a torn last line, which is cut off.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import repeat
from types import TracebackType
from typing import Self

import msgspec
import polars as pl

from flows.crawl.fetch_model import FetchedModel
from flows.lake.lake import Lake, read_table, write_table
from flows.system.whole_file import sync
from transforms.architecture.content_keys import text_hash
from transforms.tables.contracts import TABLES, empty_frame, frame_of, polars_schema

REFRESHED = ("gated", "private", "disabled", "downloads", "likes", "last_modified", "fetched_at")
"""Columns that may change while the commit stays the same; the rest of such a model's row is the lake's."""

TEXTS = {"config_hash": "config_json", "quantization_hash": "quantization_json", "header_hash": "header_summary"}
"""Columns of `hub_files` that name a text, and the fields of a fetched model that hold it."""

_ACCESS = ("network_failure", "gated", "disabled", "not_found")
"""Statuses that say whether a model may be read, not what it is."""

_LONGEST_RESUME = timedelta(hours=12)  # results of an older interrupted run are facts, but the Hub is asked again
_SYNC_SECONDS = 0.25  # what a power cut may lose; a killed process loses nothing that was written
_TIMES = ("last_modified", "fetched_at", "read_at")
_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder()
_COLUMNS = TABLES["hub_files"].columns
_COPIED = tuple(column for column in _COLUMNS if column not in TEXTS and column != "read_at")
_CONFIRMED = ("model_id", "sha", "status", *REFRESHED)


@dataclass(frozen=True)
class InterruptedCrawl:
    """An unfinished crawl: when it began, and the models that need not be asked for again."""

    done: frozenset[str]
    started_at: datetime | None = None


class Journal:
    """The journal of a crawl under way, open for appending. Use as a context manager.

    It continues an `interrupted` crawl: what that one has done stays done, however often the crawl is killed.
    """

    def __init__(self, lake: Lake, full: bool, interrupted: InterruptedCrawl | None = None) -> None:
        self._lake = lake
        self._full = full
        self._interrupted = interrupted or InterruptedCrawl(frozenset())
        self._written: set[str] = set()
        self._synced = 0.0

    def __enter__(self) -> Self:
        fresh = not self._lake.journal.exists()
        self._stream = self._lake.journal.open("ab")
        if fresh:
            began = self._interrupted.started_at if self._interrupted.done else None
            marker = {"started_at": began or datetime.now(UTC), "full": self._full}
            done = sorted(self._interrupted.done)
            self._write([{"run": marker}, {"done": done}] if done else [{"run": marker}])
            sync(self._lake.directory)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.fsync(self._stream.fileno())
        self._stream.close()

    def append(self, results: Iterable[FetchedModel]) -> None:
        """Write results: afterwards a kill loses none of them, and a power cut none but those of the last moment."""
        lines: list[dict[str, object]] = []
        for result in results:
            lines += self._lines(result)
        self._write(lines)

    def _lines(self, result: FetchedModel) -> list[dict[str, object]]:
        row = vars(result.files)
        if result.unchanged:
            return [{"row": {column: row[column] for column in _CONFIRMED}, "unchanged": True}]
        stored = {column: row[column] for column in _COPIED}
        texts = []
        for column, name in TEXTS.items():
            text = row[name]
            if text is None:
                continue
            stored[column] = text_hash(text)
            if stored[column] not in self._written:
                self._written.add(stored[column])
                texts.append({"text": text, "hash": stored[column]})
        stored["read_at"] = stored["fetched_at"]
        return [*texts, {"row": stored, "unchanged": False}]

    def _write(self, lines: list[dict[str, object]]) -> None:
        self._stream.write(_ENCODER.encode_lines(lines))
        self._stream.flush()
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._stream.fileno())
            self._synced = time.monotonic()


def interrupted_run(lake: Lake, full: bool) -> InterruptedCrawl:
    """The run before this one, from the journal that it left; the journal's torn end is cut off.

    Its models are `done` when that run began less than twelve hours ago, was as thorough, and the Hub had answered.
    """
    journal = _read_journal(lake)
    began = None if journal.marker is None else _time(journal.marker["started_at"])
    if began is None or not datetime.now(UTC) - _LONGEST_RESUME < began <= datetime.now(UTC):
        return InterruptedCrawl(frozenset())
    if full and not (journal.marker and journal.marker["full"]):
        return InterruptedCrawl(frozenset())
    answered = {entry["row"]["model_id"] for entry in journal.entries if entry["row"]["status"] != "network_failure"}
    return InterruptedCrawl(frozenset(answered | journal.done), began)


def merge_journal(lake: Lake, confirmed: Sequence[tuple[object, ...]] = ()) -> None:
    """Merge the journal into `hub_files` and `hub_texts`, and remove it.

    `confirmed` are models that a listing showed at the commit that the lake holds: (model_id, *REFRESHED). A network failure
    never displaces facts: the model keeps its last known row. Nor does another reading of the same commit that an architecture
    was read from: a commit does not change, so an answer that contradicts it is wrong.
    """
    journal = _read_journal(lake)
    if journal.entries or confirmed:
        stored = read_table(lake, "hub_files")
        table = empty_frame("hub_files") if stored is None else stored
        fresh, refreshed = _latest(journal.entries, table, _understood(lake, table, journal.entries))
        updates = pl.concat([_updates(refreshed), _updates(confirmed)]).unique("model_id", keep="last")
        added = frame_of("hub_files", fresh)
        table = table.join(added, on="model_id", how="anti").update(updates, on="model_id", how="left", include_nulls=True)
        table = pl.concat([table, added]).sort("model_id")
        _merge_texts(lake, journal.texts, table)  # first: a row never names a text that is not there
        write_table(lake, "hub_files", table)
    if lake.journal.exists():
        lake.journal.unlink()
        sync(lake.directory)


def read_texts(lake: Lake, hashes: pl.Series) -> dict[str, str]:
    """The texts of `hub_texts` with these hashes, by hash; those that were lost are absent."""
    return texts_among(read_table(lake, "hub_texts"), hashes)


def texts_among(stored: pl.DataFrame | None, hashes: pl.Series) -> dict[str, str]:
    """The texts of a table `hub_texts` with these hashes, by hash."""
    if stored is None:
        return {}
    wanted = hashes.drop_nulls().unique()
    return dict(stored.filter(pl.col("text_hash").is_in(wanted.implode())).iter_rows())


def _understood(lake: Lake, table: pl.DataFrame, entries: Sequence[dict]) -> dict[str, list[object]]:
    """Models of the journal that an architecture was read from, with the commit and the hashes of its texts."""
    extracted = read_table(lake, "extractions", ["model_id", "read_at", "architecture_key"]) if entries else None
    if extracted is None:
        return {}
    asked = pl.DataFrame({"model_id": [entry["row"]["model_id"] for entry in entries]}, schema={"model_id": pl.String})
    read = extracted.filter(pl.col("architecture_key").is_not_null()).join(asked, on="model_id", how="semi")
    rows = table.filter(pl.col("sha").is_not_null()).join(read, on=["model_id", "read_at"], how="semi")
    return {model_id: facts for model_id, *facts in rows.select("model_id", "sha", *TEXTS).iter_rows()}


def _contradicts(row: dict[str, object], understood: Sequence[object] | None) -> bool:
    """True where a reading contradicts an earlier one of the same commit."""
    if understood is None or row["sha"] != understood[0] or row["status"] in _ACCESS:
        return False
    _, config, quantization, header = understood
    same_texts = row.get("config_hash") == config and row.get("quantization_hash") == quantization
    # Headers are compared by whether they were read: our own summary of them may be written differently since.
    return row["status"] != "ok" or not same_texts or (header is not None and row.get("header_hash") is None)


def _latest(
    entries: Iterable[dict], table: pl.DataFrame, understood: Mapping[str, Sequence[object]]
) -> tuple[list[dict[str, object]], list[tuple[object, ...]]]:
    """The newest row of each model that was read, and the new counts of those whose commit was the same."""
    settled = set(table.filter(pl.col("status") != "network_failure")["model_id"])
    fresh: dict[str, dict[str, object]] = {}
    refreshed: dict[str, tuple[object, ...]] = {}
    for entry in entries:
        row = entry["row"]
        row.update({column: _time(row[column]) for column in _TIMES if row.get(column)})
        model_id = row["model_id"]
        if entry["unchanged"] and model_id not in fresh:
            refreshed[model_id] = (model_id, *(row[column] for column in REFRESHED))
        elif entry["unchanged"]:
            fresh[model_id].update({column: row[column] for column in REFRESHED})
        elif _contradicts(row, understood.get(model_id)) and model_id not in fresh:
            refreshed[model_id] = (model_id, *(row[column] for column in REFRESHED))
        elif row["status"] != "network_failure" or (model_id not in settled and model_id not in fresh):
            fresh[model_id] = row
            refreshed.pop(model_id, None)
    return list(fresh.values()), list(refreshed.values())


def _updates(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    schema = {column: polars_schema("hub_files")[column] for column in ("model_id", *REFRESHED)}
    columns = zip(*rows, strict=True) if rows else repeat(())
    # Column by column: given all at once, Polars takes twice as long.
    return pl.DataFrame([pl.Series(name, values, dtype) for (name, dtype), values in zip(schema.items(), columns, strict=False)])


def _merge_texts(lake: Lake, texts: dict[str, str], table: pl.DataFrame) -> None:
    """Add the journal's texts to `hub_texts` and drop those that no row names any more."""
    hashes = read_table(lake, "hub_texts", ["text_hash"])
    added = pl.DataFrame({"text_hash": list(texts), "text": list(texts.values())}, schema=polars_schema("hub_texts"))
    named = pl.concat([table[column].drop_nulls().alias("text_hash") for column in TEXTS]).unique().to_frame()
    if hashes is not None:
        new, dropped = added.join(hashes, on="text_hash", how="anti"), hashes.join(named, on="text_hash", how="anti")
        if new.is_empty() and dropped.is_empty():
            return
    stored = read_table(lake, "hub_texts")
    known = empty_frame("hub_texts") if stored is None else stored
    merged = pl.concat([known, added.join(known, on="text_hash", how="anti")]).join(named, on="text_hash", how="semi")
    write_table(lake, "hub_texts", merged.sort("text_hash"))


@dataclass(frozen=True)
class _JournalContents:
    marker: dict | None
    entries: list[dict]
    texts: dict[str, str]
    done: frozenset[str]


def _read_journal(lake: Lake) -> _JournalContents:
    """The journal's marker, models, texts and earlier work; what follows the last whole line is cut off."""
    marker: dict | None = None
    entries: list[dict] = []
    texts: dict[str, str] = {}
    done: frozenset[str] = frozenset()
    if not lake.journal.exists():
        return _JournalContents(marker, entries, texts, done)
    whole = 0
    with lake.journal.open("rb") as stream:
        for line in stream:
            try:
                entry = _DECODER.decode(line) if line.endswith(b"\n") else None
            except ValueError:
                entry = None
            if not isinstance(entry, dict):
                break
            whole += len(line)
            if "run" in entry:
                marker = entry["run"]
            elif "text" in entry:
                texts[entry["hash"]] = entry["text"]
            elif "done" in entry:
                done = frozenset(entry["done"])
            elif entry.get("unchanged") or "read_at" in entry.get("row", {}):
                entries.append(entry)
    if whole < lake.journal.stat().st_size:
        os.truncate(lake.journal, whole)
    return _JournalContents(marker, entries, texts, done)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
