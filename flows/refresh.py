"""The whole product, once: model ids → facts → every shape, layout and context → a published table.

    model ids ──crawl──▶ hub_files ──extract──▶ architectures, models, rejects ─┐
                                              catalogs ─────────────────────────┴─estimate──▶ grid ──publish──▶ recommendations

Each arrow is a separate flow, so that a run shows how long each took and what it counted. They hand over through the lake,
never in memory: a run after one that died continues from what is on disk.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from flows.prefect_runtime import settings  # noqa: F401 - sets Prefect up: before Prefect itself

# isort: split
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact

from flows.crawl.crawl import crawl
from flows.crawl.crawl_report import CrawlReport
from flows.crawl.early_crawl import run_lock
from flows.database.errors import one_line
from flows.estimate.estimate_flow import estimate_grid
from flows.estimate.grid import Grid
from flows.estimate.row_checks import DISK_ERRORS, PublishError
from flows.extract.extract import ExtractReport, extract, read_extracted
from flows.lake.catalogs import load_catalogs
from flows.lake.lake import open_lake, read_requested
from flows.lake.model_lists import read_model_lists
from flows.prefect_runtime.retries import worth_retrying
from flows.printing.progress import say
from flows.publish.publish import Published, publish
from flows.publish.run_report import RefreshReport, listed_counts, report_markdown
from flows.remote.data_directory import checked_out, local_directory


@flow(name="refresh", flow_run_name="refresh {data}", validate_parameters=False)  # tried again as its deployment says
def refresh(
    models: list[str], data: str = "data", offline: bool = False, full: bool = False, strict: bool = False
) -> RefreshReport:
    """Crawl, extract, estimate and publish, under the data directory's lock."""
    root = local_directory(data)
    run_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    with run_lock(root), checked_out(data) as hand_over:
        open_lake(root)
        crawled = crawl_models(models, str(root), offline, full)
        extracted = extract_models(str(root), full)
        grid = estimate_grid(str(root), full)
        published = publish_version(str(root), run_id, _facts(models, crawled, extracted, grid), grid)
        hand_over(run_id)
    rejected = sum(extracted.rejects.values())
    report = RefreshReport(run_id, crawled, extracted, grid.report, published, exit_status=1 if strict and rejected else 0)
    create_markdown_artifact(report_markdown(report), key="refresh", description=f"Refresh {run_id}")
    say(_last_line(report))
    return report


@flow(name="crawl", flow_run_name="crawl {data}", retries=0, validate_parameters=False)
def crawl_models(models: list[str], data: str, offline: bool, full: bool) -> CrawlReport:
    """Model ids → hub_files."""
    report = fetch_hub_files(models, data, offline, full)
    get_run_logger().info("%s models, Hub %s: %s", report.models, report.hub, report.statuses)
    return report


@flow(name="extract", flow_run_name="extract {data}", retries=0, validate_parameters=False)
def extract_models(data: str, full: bool) -> ExtractReport:
    """hub_files → architectures, parameter_groups, layer_groups, models, rejects."""
    report = extract_facts(data, full)
    get_run_logger().info("rows %s, models by source %s, rejects %s", report.counts, report.sources, report.rejects)
    return report


@flow(name="publish", flow_run_name="publish {run_id}", retries=0, validate_parameters=False)
def publish_version(data: str, run_id: str, facts: dict[str, object], grid: Grid) -> Published:
    """Facts, catalogs and grid → layouts, fits, recommendations in a new version; then `latest` is switched."""
    published = join_and_publish(data, run_id, facts, grid)
    get_run_logger().info("version %s: rows %s, changes %s", published.run_id, published.counts, published.changes)
    return published


@task(
    task_run_name="fetch {data}",
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_jitter_factor=0.5,
    retry_condition_fn=worth_retrying,
)
def fetch_hub_files(models: list[str], data: str, offline: bool, full: bool) -> CrawlReport:
    """One crawl; a second try continues from the journal of the first."""
    return crawl(open_lake(Path(data)), read_model_lists(models), offline, full)


@task(task_run_name="extract {data}", retries=1, retry_condition_fn=worth_retrying)
def extract_facts(data: str, full: bool) -> ExtractReport:
    """One extraction of the models that the crawl was asked for."""
    lake = open_lake(Path(data))
    return extract(lake, read_requested(lake), full)


@task(task_run_name="publish {run_id}", retries=1, retry_condition_fn=worth_retrying)
def join_and_publish(data: str, run_id: str, facts: dict[str, object], grid: Grid) -> Published:
    """One version, built, checked and switched to."""
    tables = {**read_extracted(open_lake(Path(data))), **load_catalogs(data=Path(data))}
    try:
        return publish(Path(data), run_id, tables, facts, grid)
    except DISK_ERRORS as error:
        raise PublishError(f"version {run_id} cannot be built in {data}: {one_line(str(error))}") from error


def _facts(models: list[str], crawled: CrawlReport, extracted: ExtractReport, grid: Grid) -> dict[str, object]:
    return {
        "requested": models or ["catalogs/models.txt"],
        "crawl": asdict(crawled),
        "extract": {**asdict(extracted), "without_facts": len(extracted.without_facts)},
        "grid": asdict(grid.report),
    }


def _last_line(report: RefreshReport) -> str:
    sources = ", ".join(f"{count:,} from the {source}" for source, count in report.extract.sources.items())
    rejects = f"; rejected {listed_counts(report.extract.rejects)}" if report.extract.rejects else ""
    return f"published {report.published.path}: {report.extract.counts['models']:,} models ({sources or 'none'}){rejects}"
