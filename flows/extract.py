"""`hub_files` → architectures, models and rejects of one run's models; what the Hub could not tell comes from the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flows.lake import Lake, read_table, write_table
from flows.run_log import say
from flows.snapshot import read_snapshot
from transforms.contracts import conform, empty_frame
from transforms.extract import extract_frames
from transforms.rejects import REJECT_CODES

FACTS = ("models", "architectures", "parameter_groups", "layer_groups")
EXTRACTED = (*FACTS, "rejects")


@dataclass(frozen=True)
class ExtractReport:
    """What an extraction yielded: rows by table, models by source, rejects by code, and ids of which nothing is known."""

    counts: dict[str, int]
    sources: dict[str, int]
    rejects: dict[str, int]
    without_facts: tuple[str, ...]


def extract(lake: Lake, model_ids: Sequence[str]) -> ExtractReport:
    """Extract a run's models from `hub_files` into the lake's tables.

    A model that the Hub was never reached for, or only failed to answer for, has the snapshot's facts where it has any.
    Ids of which nothing is known are counted, not rejected: nobody has looked for them yet.
    """
    wanted = pl.DataFrame({"model_id": list(dict.fromkeys(model_ids))}, schema={"model_id": pl.String})
    stored = read_table(lake, "hub_files")
    hub_files = (empty_frame("hub_files") if stored is None else stored).join(wanted, on="model_id", how="semi")
    tables = extract_tables(hub_files)
    snapshot = read_snapshot()
    looked_at = hub_files.filter(pl.col("status") != "network_failure")
    remembered = snapshot["models"].join(wanted, on="model_id", how="semi").join(looked_at, on="model_id", how="anti")
    tables = _with_facts(tables, snapshot, remembered)
    known = pl.concat([hub_files.select("model_id"), remembered.select("model_id")])
    without_facts = wanted.join(known, on="model_id", how="anti")["model_id"].to_list()
    if without_facts:
        say(f"{len(without_facts):,} models are left out: nothing is known of them without the Hub (first {without_facts[0]})")
    for name in EXTRACTED:
        write_table(lake, name, tables[name])
    return ExtractReport(
        counts={name: tables[name].height for name in EXTRACTED},
        sources=_counts(tables["models"], "source"),
        rejects=_counts(tables["rejects"], "code"),
        without_facts=tuple(without_facts),
    )


def read_extracted(lake: Lake) -> dict[str, pl.DataFrame]:
    """The tables of the last extraction."""
    tables = {name: read_table(lake, name) for name in EXTRACTED}
    return {name: empty_frame(name) if frame is None else frame for name, frame in tables.items()}


def extract_tables(hub_files: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The extracted tables of rows of `hub_files`, each reject with the first of the codes that hold.

    The crawl refuses a model whose headers it cannot take before anyone has read the config; if the config is to be refused
    for something that comes first, that is what is said.
    """
    unsafe = pl.col("status").is_in(["unsafe_headers", "no_weights"]) & pl.col("config_json").is_not_null()
    refused = hub_files.filter(unsafe)
    extracted = extract_frames(hub_files.filter(~unsafe))
    tables = {name: conform(name, getattr(extracted, name)) for name in EXTRACTED}
    if refused.is_empty():
        return tables
    config_alone = refused.with_columns(
        status=pl.lit("ok"), header_summary=pl.lit(None, pl.String), message=pl.lit(None, pl.String)
    )
    rejects = conform("rejects", extract_frames(config_alone).rejects)
    order = pl.DataFrame({"code": list(REJECT_CODES)}).with_row_index("rank")
    of_headers = refused.select("model_id", pl.col("status").alias("code"), "message", "fetched_at")
    first = (
        pl.concat([rejects, conform("rejects", of_headers)])
        .join(order, on="code", how="left")
        .sort("model_id", "rank")
        .unique("model_id", keep="first", maintain_order=True)
        .drop("rank")
    )
    return {**tables, "rejects": pl.concat([tables["rejects"], first]).sort("model_id")}


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
