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

from flows.extract.extract_rows import ExtractedModels, extract_rows
from flows.lake.catalogs import load_catalogs
from flows.lake.lake import Lake, read_table, write_table
from flows.lake.snapshot import read_snapshot
from flows.printing.progress import say
from transforms.architecture.extract_models import Shared, extract_records, relation_to_base
from transforms.tables.contracts import conform, empty_frame, frame_of
from transforms.tables.records import HubFiles

FACTS = ("models", "architectures", "parameter_groups", "layer_groups")
EXTRACTED = (*FACTS, "rejects")

EXTRACTING_ROOMS = ("architecture", "columns", "config", "layers", "tables", "weights")
"""The rooms of `transforms/` that decide what is extracted from a model: when their code changes, all are extracted again."""

_OF_ARCHITECTURE = ("architectures", "parameter_groups", "layer_groups")


@dataclass(frozen=True)
class ExtractReport:
    """Counts of an extraction: rows by table, models by source, rejects by code; and the ids of which nothing is known.

    `extracted` counts the models whose files were read since the extraction before.
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
    Ids of which nothing is known are counted, not rejected: nobody has looked for them yet. `full` extracts every model again.
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
    from_snapshot = (
        snapshot["models"].join(wanted, on="model_id", how="semi").join(pl.concat(answered), on="model_id", how="anti")
    )
    merged = _with_snapshot(tables, snapshot, from_snapshot)
    known = pl.concat([hub_files.select("model_id"), from_snapshot.select("model_id")])
    without_facts = wanted.join(known, on="model_id", how="anti")["model_id"].to_list()
    if without_facts:
        say(f"{len(without_facts):,} models are left out: nothing is known of them without the Hub (first {without_facts[0]})")
    for name in EXTRACTED:
        write_table(lake, name, merged[name])
    write_table(lake, "extractions", tables["extractions"])  # last: it says of the other tables that they are complete
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

    An architecture's rows are those of its representative: its first model by id, of those sized from headers where there are
    any. Which models were extracted when makes no difference: an incremental run ends with the same rows as a full one.
    """
    model_types = _model_types()
    extractor = _extractor(model_types)
    last = _last_extraction(lake, full)
    kept = last.outcomes.filter(pl.col("extractor") == extractor)
    kept = kept.join(hub_files.select("model_id", "read_at"), on=["model_id", "read_at"], how="semi")
    changed = hub_files.join(kept, on="model_id", how="anti")
    shared, extracted = Shared(model_types), ExtractedModels()
    extract_rows(lake, changed, shared, extracted)
    outcomes = pl.concat([kept, _outcome_rows(extracted, extractor)]).sort("model_id")
    representatives = _representatives(outcomes)
    as_before = _represented_as_before(representatives, kept, last)
    # A model that was kept may represent its architecture only now, because the one before changed: its rows are needed too.
    promoted = representatives.join(as_before, on="model_id", how="anti").join(changed, on="model_id", how="anti")
    extract_rows(lake, hub_files.join(promoted, on="model_id", how="semi"), shared, extracted)
    represents = pl.col("model_id").is_in(representatives["model_id"].implode())
    return {
        "extractions": outcomes.with_columns(represents=represents),
        "extracted": changed.select("model_id"),
        **_architecture_tables(last, as_before, extracted),
        **_model_tables(hub_files, outcomes),
    }


@dataclass(frozen=True)
class _LastExtraction:
    """The tables that the last extraction left: an outcome a model, and the rows of architectures."""

    outcomes: pl.DataFrame
    architectures: dict[str, pl.DataFrame]


def _last_extraction(lake: Lake, full: bool) -> _LastExtraction:
    """The last extraction; an empty one where everything is to be extracted, or where one of its tables is lost."""
    outcomes = read_table(lake, "extractions")
    architectures = {name: frame for name in _OF_ARCHITECTURE if (frame := read_table(lake, name)) is not None}
    if full or outcomes is None or len(architectures) < len(_OF_ARCHITECTURE):
        return _LastExtraction(empty_frame("extractions"), {name: empty_frame(name) for name in _OF_ARCHITECTURE})
    return _LastExtraction(outcomes, architectures)


def _outcome_rows(extracted: ExtractedModels, extractor: str) -> pl.DataFrame:
    return frame_of("extractions", ({**row, "extractor": extractor, "represents": False} for row in extracted.outcomes))


def _representatives(outcomes: pl.DataFrame) -> pl.DataFrame:
    """The model (model_id) that stands for each architecture (architecture_key)."""
    ranked = outcomes.drop_nulls("architecture_key").sort(pl.col("sizes_source") != "header", "model_id")
    return ranked.unique("architecture_key", keep="first", maintain_order=True).select("model_id", "architecture_key")


def _represented_as_before(representatives: pl.DataFrame, kept: pl.DataFrame, last: _LastExtraction) -> pl.DataFrame:
    """The representatives that were kept, stood for their architecture before, and whose rows are there."""
    before = kept.filter("represents").join(last.architectures["architectures"], on="architecture_key", how="semi")
    return representatives.join(before, on="model_id", how="semi")


def _architecture_tables(last: _LastExtraction, as_before: pl.DataFrame, extracted: ExtractedModels) -> dict[str, pl.DataFrame]:
    """The rows of each architecture: those there are where its representative is as before, else those just extracted."""
    found = extracted.architectures
    new = {
        "architectures": frame_of("architectures", (each.architecture for each in found)),
        "parameter_groups": frame_of("parameter_groups", (row for each in found for row in each.parameter_groups)),
        "layer_groups": frame_of("layer_groups", (row for each in found for row in each.layer_groups)),
    }
    tables = {}
    for name in _OF_ARCHITECTURE:
        held = last.architectures[name].join(as_before, on="architecture_key", how="semi")
        added = new[name].join(as_before, on="architecture_key", how="anti")
        tables[name] = pl.concat([held, added]).sort(held.columns[:3])
    return tables


def _model_tables(hub_files: pl.DataFrame, outcomes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The tables models and rejects: each model is in one of them."""
    said = outcomes.select("model_id", "architecture_key", "needs_remote_code", "code", "message")
    described = hub_files.drop("message").join(said, on="model_id")
    models = described.drop_nulls("architecture_key").with_columns(relation_to_base(), id_inferred=pl.lit(False))
    return {
        "models": conform("models", models).sort("model_id"),
        "rejects": conform("rejects", described.drop_nulls("code")).sort("model_id"),
    }


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


def _with_snapshot(
    tables: dict[str, pl.DataFrame], snapshot: dict[str, pl.DataFrame], models: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """The tables with models of the snapshot, and with its architectures where the tables lack theirs."""
    merged = dict(tables)
    merged["models"] = pl.concat([tables["models"], models]).sort("model_id")
    merged["rejects"] = tables["rejects"].join(models, on="model_id", how="anti")
    added = models.select("architecture_key").unique().join(tables["architectures"], on="architecture_key", how="anti")
    for name in _OF_ARCHITECTURE:
        rows = snapshot[name].join(added, on="architecture_key", how="semi")
        merged[name] = pl.concat([tables[name], rows]).sort(merged[name].columns[:3])
    return merged


def _counts(frame: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(frame.group_by(column).len().sort(column).iter_rows())
