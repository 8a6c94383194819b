"""`hub_files` → architectures, models and rejects of one run's models; what the Hub could not tell comes from the snapshot.

Only models whose files were read since the last extraction are extracted; the others keep their rows. When the code of the
extraction changes, all are.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import polars as pl

from flows.extract.extract_rows import Found, extract_rows
from flows.lake.catalogs import load_catalogs
from flows.lake.lake import Lake, read_table, write_table
from flows.lake.snapshot import read_snapshot
from flows.printing.progress import say
from transforms.architecture.extract_models import Shared, extract_records
from transforms.tables.contracts import conform, empty_frame, frame_of
from transforms.tables.records import HubFiles

FACTS = ("models", "architectures", "parameter_groups", "layer_groups")
EXTRACTED = (*FACTS, "rejects")

EXTRACTING_ROOMS = ("architecture", "columns", "config", "layers", "tables", "weights")
"""The rooms of `transforms/` that decide what is extracted from a model: when their code changes, all are extracted again."""

_OF_ARCHITECTURE = ("architectures", "parameter_groups", "layer_groups")


@dataclass(frozen=True)
class ExtractReport:
    """What an extraction yielded: rows by table, models by source, rejects by code, and ids of which nothing is known.

    `extracted` are models whose files had been read since the last extraction.
    """

    counts: dict[str, int]
    sources: dict[str, int]
    rejects: dict[str, int]
    without_facts: tuple[str, ...]
    extracted: int = 0
    seconds: float = 0.0


def extract(lake: Lake, model_ids: Sequence[str], full: bool = False) -> ExtractReport:
    """Extract a run's models from `hub_files` into the lake's tables.

    A model that the Hub was never reached for, or only failed to answer for, has the snapshot's facts where it has any.
    Ids of which nothing is known are counted, not rejected: nobody has looked for them yet. `full` extracts every model anew,
    whether its files changed or not.
    """
    started = time.monotonic()
    wanted = pl.DataFrame({"model_id": list(dict.fromkeys(model_ids))}, schema={"model_id": pl.String})
    stored = read_table(lake, "hub_files")
    hub_files = (empty_frame("hub_files") if stored is None else stored).join(wanted, on="model_id", how="semi").sort("model_id")
    tables = _update(lake, hub_files, full)
    snapshot = read_snapshot()
    answered = (
        tables["models"].select("model_id"),
        tables["rejects"].filter(pl.col("code") != "network_failure").select("model_id"),
    )
    remembered = snapshot["models"].join(wanted, on="model_id", how="semi").join(pl.concat(answered), on="model_id", how="anti")
    merged = _with_facts(tables, snapshot, remembered)
    known = pl.concat([hub_files.select("model_id"), remembered.select("model_id")])
    without_facts = wanted.join(known, on="model_id", how="anti")["model_id"].to_list()
    if without_facts:
        say(f"{len(without_facts):,} models are left out: nothing is known of them without the Hub (first {without_facts[0]})")
    for name in EXTRACTED:
        write_table(lake, name, merged[name])
    write_table(lake, "extractions", tables["extractions"])  # last: it vouches for the others
    return ExtractReport(
        counts={name: merged[name].height for name in EXTRACTED},
        sources=_counts(merged["models"], "source"),
        rejects=_counts(merged["rejects"], "code"),
        without_facts=tuple(without_facts),
        extracted=tables["extracted"].height,
        seconds=time.monotonic() - started,
    )


def _update(lake: Lake, hub_files: pl.DataFrame, full: bool) -> dict[str, pl.DataFrame]:
    """The extracted tables of `hub_files`: rows of the last extraction where they still hold, new ones elsewhere.

    An architecture's row is that of its first model by id, of those sized from headers where there are any, whatever was
    extracted when: an incremental run ends with the same rows as a full one.
    """
    model_types = _model_types()
    extractor = _extractor(model_types)
    before = {name: frame for name in _OF_ARCHITECTURE if (frame := read_table(lake, name)) is not None}
    stored = read_table(lake, "extractions")
    if full or stored is None or len(before) < len(_OF_ARCHITECTURE):
        stored, before = empty_frame("extractions"), {name: empty_frame(name) for name in _OF_ARCHITECTURE}
    kept = stored.filter(pl.col("extractor") == extractor)
    kept = kept.join(hub_files.select("model_id", "read_at"), on=["model_id", "read_at"], how="semi")
    fresh = hub_files.join(kept, on="model_id", how="anti")
    shared, found = Shared(model_types), Found()
    extract_rows(lake, fresh, shared, found)
    added = frame_of("extractions", ({**row, "extractor": extractor, "represents": False} for row in found.outcomes))
    rows = pl.concat([kept, added]).sort("model_id")
    ranked = rows.drop_nulls("architecture_key").sort(pl.col("sizes_source") != "header", "model_id")
    first = ranked.unique("architecture_key", keep="first", maintain_order=True).select("model_id", "architecture_key")
    there = kept.filter("represents").join(before["architectures"], on="architecture_key", how="semi")
    held = first.join(there, on="model_id", how="semi")
    moved = first.join(held, on="model_id", how="anti").join(fresh, on="model_id", how="anti")
    extract_rows(lake, hub_files.join(moved, on="model_id", how="semi"), shared, found)
    made = {
        "architectures": frame_of("architectures", (one.architecture for one in found.architectures)),
        "parameter_groups": frame_of("parameter_groups", (part for one in found.architectures for part in one.parameter_groups)),
        "layer_groups": frame_of("layer_groups", (group for one in found.architectures for group in one.layer_groups)),
    }
    tables = {"extractions": rows.with_columns(represents=pl.col("model_id").is_in(first["model_id"].implode()))}
    tables["extracted"] = fresh.select("model_id")
    for name in _OF_ARCHITECTURE:
        old = before[name].join(held, on="architecture_key", how="semi")
        tables[name] = pl.concat([old, made[name].join(held, on="architecture_key", how="anti")]).sort(old.columns[:3])
    outcomes = hub_files.drop("message").join(
        rows.select("model_id", "architecture_key", "needs_remote_code", "code", "message"), on="model_id"
    )
    models = outcomes.drop_nulls("architecture_key").with_columns(id_inferred=pl.lit(False))
    tables["models"] = conform("models", models).sort("model_id")
    tables["rejects"] = conform("rejects", outcomes.drop_nulls("code")).sort("model_id")
    return tables


def _model_types() -> frozenset[str]:
    """The model types that a library reads without code of the repository."""
    return frozenset(load_catalogs()["model_types"]["model_type"])


def _extractor(model_types: frozenset[str]) -> str:
    """Hash of the code that extracts and of the model types it knows: its results are kept for as long as both stay the same."""
    digest = hashlib.blake2b(repr(sorted(model_types)).encode(), digest_size=16)
    for path, code in extracting_code().items():
        digest.update(path.encode() + b"\0" + code)
    return digest.hexdigest()


def extracting_code() -> dict[str, bytes]:
    """The files of the rooms that extract, by their path within `transforms/`."""
    hall = Path(str(files("transforms")))
    paths = sorted(path for room in EXTRACTING_ROOMS for path in (hall / room).rglob("*.py"))
    return {path.relative_to(hall).as_posix(): path.read_bytes() for path in paths}


def read_extracted(lake: Lake) -> dict[str, pl.DataFrame]:
    """The tables of the last extraction."""
    tables = {name: read_table(lake, name) for name in EXTRACTED}
    return {name: empty_frame(name) if frame is None else frame for name, frame in tables.items()}


def extract_tables(records: Iterable[HubFiles]) -> dict[str, pl.DataFrame]:
    """The extracted tables of models that were just read."""
    extracted = extract_records(records, _model_types())
    return {name: conform(name, getattr(extracted, name)) for name in EXTRACTED}


def _with_facts(
    tables: dict[str, pl.DataFrame], snapshot: dict[str, pl.DataFrame], remembered: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    merged = dict(tables)
    merged["models"] = pl.concat([tables["models"], remembered]).sort("model_id")
    merged["rejects"] = tables["rejects"].join(remembered, on="model_id", how="anti")
    added = remembered.select("architecture_key").unique().join(tables["architectures"], on="architecture_key", how="anti")
    for name in ("architectures", "parameter_groups", "layer_groups"):
        rows = snapshot[name].join(added, on="architecture_key", how="semi")
        merged[name] = pl.concat([tables[name], rows]).sort(merged[name].columns[:3])
    return merged


def _counts(frame: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(frame.group_by(column).len().sort(column).iter_rows())
