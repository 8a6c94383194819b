"""Rows of `hub_files` and their texts → the outcome of each model, a chunk at a time, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from dataclasses import fields as record_fields
from typing import Any

import polars as pl

from flows.crawl.journal import TEXTS, texts_among
from flows.lake.lake import Lake, read_table
from transforms.architecture.extract_models import Shared, extract_model, remote_code_of
from transforms.tables.records import Extracted, HubFiles, Reject

_CHUNK_ROWS = 5_000  # models whose rows and texts are in memory as Python objects at once
_LOST = "its config or headers were lost from the lake; refresh again where the Hub can be reached"
_RECORD_FIELDS = frozenset(each.name for each in record_fields(HubFiles))


@dataclass
class ExtractedModels:
    """Models as rows of `extractions`, and by architecture the model that stands for it: sized from headers, first by id."""

    outcomes: list[dict[str, object]] = field(default_factory=list)
    representatives: dict[str, tuple[tuple[bool, str], Extracted]] = field(default_factory=dict)

    @property
    def architectures(self) -> list[Extracted]:
        """The rows of every architecture that was met."""
        return [extracted for _, extracted in self.representatives.values()]

    def add(self, record: HubFiles, read_at: object, result: Extracted | Reject, needs_remote_code: bool | None) -> None:
        """Record the outcome of a model: its architecture, or why it has none."""
        outcome: dict[str, object] = {"model_id": record.model_id, "read_at": read_at}
        if isinstance(result, Reject):
            self.outcomes.append({**outcome, "code": result.code, "message": result.message})
            return
        key, sizes = str(result.architecture["architecture_key"]), result.architecture["sizes_source"]
        self.outcomes.append({**outcome, "architecture_key": key, "sizes_source": sizes, "needs_remote_code": needs_remote_code})
        rank = (sizes != "header", record.model_id)
        if key not in self.representatives or rank < self.representatives[key][0]:
            self.representatives[key] = (rank, result)


def extract_rows(lake: Lake, rows: pl.DataFrame, shared: Shared, extracted: ExtractedModels) -> None:
    """Extract rows of `hub_files` into `extracted`."""
    if rows.is_empty():
        return
    stored = read_table(lake, "hub_texts")
    for chunk in rows.iter_slices(_CHUNK_ROWS):
        texts = texts_among(stored, pl.concat([chunk[column].alias("text_hash") for column in TEXTS]))
        for record, read_at in zip(_records(chunk, texts), chunk["read_at"].to_list(), strict=True):
            result = extract_model(record, shared)
            needs_remote_code = None if isinstance(result, Reject) else remote_code_of(record, shared)
            extracted.add(record, read_at, result, needs_remote_code)


def _records(rows: pl.DataFrame, texts: dict[str, str]) -> Iterator[HubFiles]:
    """Rows of `hub_files` with their texts; a model whose texts were lost counts as one without an answer of the Hub."""
    plain = [name for name in rows.columns if name in _RECORD_FIELDS]
    hashes = rows.select(list(TEXTS)).iter_rows()
    for row, named in zip(rows.select(plain).iter_rows(named=True), hashes, strict=True):
        if any(name is not None and name not in texts for name in named):
            yield HubFiles(**{**row, "status": "network_failure", "message": _LOST})
        else:
            held: dict[str, Any] = {name: texts.get(text_hash) for name, text_hash in zip(TEXTS.values(), named, strict=True)}
            yield HubFiles(**row, **held)
