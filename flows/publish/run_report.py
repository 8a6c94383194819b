"""The report of a refresh, the Markdown artifact of its run: what it counted, refused, found new, changed, and what took long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.crawl.crawl_report import CrawlReport
from flows.estimate.grid import GridReport
from flows.extract.extract import ExtractReport
from flows.publish.publish import Published
from flows.versions.versions import read_run

_NAMED = 10
"""New architectures that are named, and slowest steps that are shown."""


@dataclass(frozen=True)
class RefreshReport:
    """What one refresh did. `exit_status` is 1 when models were rejected and the run was strict, else 0."""

    run_id: str
    crawl: CrawlReport
    extract: ExtractReport
    grid: GridReport
    published: Published
    exit_status: int = 0


def report_markdown(report: RefreshReport) -> str:
    """The report of a refresh whose version is published."""
    crawled, extracted, grid, published = report.crawl, report.extract, report.grid, report.published
    lines = [
        f"# Refresh {report.run_id}",
        "",
        f"Version: `{published.path}`" + (" (same content as the one before)" if published.unchanged else ""),
        "",
        "| step | counts |",
        "| --- | --- |",
        f"| crawl ({crawled.seconds:.0f} s) | Hub {crawled.hub}; {crawled.models:,} models: {crawled.fetched:,} fetched, "
        f"{crawled.unchanged:,} unchanged, {crawled.resumed:,} resumed, {crawled.postponed:,} postponed; "
        f"{sum(crawled.requests.values()):,} requests |",
        f"| extract ({extracted.seconds:.0f} s) | {extracted.extracted:,} read since the last time; "
        f"{listed_counts(extracted.counts)}; without facts {len(extracted.without_facts):,} |",
        f"| estimate ({sum(grid.seconds.values()):.0f} s of work) | {grid.buckets:,} buckets: "
        f"figures {grid.figures_computed:,} computed, {grid.figures_reused:,} reused; "
        f"ranks {grid.ranks_computed:,} computed, {grid.ranks_reused:,} reused |",
        f"| publish ({published.seconds:.0f} s) | {listed_counts(published.counts)} |",
    ]
    lines += _section("Rejected", "code", "models", _by_count(extracted.rejects))
    lines += _section("Changed since the version before", "change", "rows", _by_count(published.changes))
    new = new_architectures(published.path)
    shown = new.head(_NAMED).select("architecture_key", "model_id").iter_rows()
    lines += _section(f"New architectures: {new.height:,}", "architecture", "a model of it", shown)
    seconds = {"crawl": crawled.seconds, "extract": extracted.seconds, "publish": published.seconds}
    seconds |= {f"estimate: {step}": took for step, took in grid.seconds.items()}
    slowest = sorted(seconds.items(), key=lambda step: -step[1])[:_NAMED]
    lines += _section("Slowest steps", "step", "seconds", ((step, f"{took:.1f}") for step, took in slowest))
    return "\n".join(lines) + "\n"


def new_architectures(version: Path) -> pl.DataFrame:
    """Architectures of a version that the one before did not have, each with its most downloaded model, most downloaded first.

    The first version, and one whose predecessor is gone, has none.
    """
    models = pl.scan_parquet(version / "models.parquet").select("architecture_key", "model_id", "downloads")
    before = read_run(version).get("previous")
    known = version.parent / str(before) / "architectures.parquet"
    if before is None or not known.is_file():
        return models.head(0).collect()
    found = models.sort("downloads", "model_id", descending=[True, False], nulls_last=True).collect()
    known_keys = pl.read_parquet(known, columns=["architecture_key"])
    return found.join(known_keys, on="architecture_key", how="anti").unique("architecture_key", keep="first", maintain_order=True)


def _section(title: str, key: str, value: str, rows: Iterable[tuple[object, ...]]) -> list[str]:
    listed = [f"| {name} | {figure} |" for name, figure in rows]
    return ["", f"## {title}", ""] + ([f"| {key} | {value} |", "| --- | --- |", *listed] if listed else ["none"])


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(name, f"{count:,}") for name, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))]


def listed_counts(counts: Mapping[str, int]) -> str:
    """Counts in one line, each after its name."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
