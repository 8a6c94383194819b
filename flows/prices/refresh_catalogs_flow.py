"""The refresh of the catalogs as a Prefect flow, for a deployment that runs before the nightly refresh (`prefect.yaml`)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from flows.prefect_runtime import settings  # noqa: F401 - sets Prefect up: before Prefect itself

# isort: split
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact

from flows.prices.refresh_catalogs import CatalogRefresh, CatalogRefreshError, refresh_catalogs
from flows.remote.data_directory import is_remote, working_copy


class ListsFailedError(CatalogRefreshError):
    """Some price lists could not be taken; what the others said is written. The run counts as failed, so that someone is told."""


@flow(name="refresh-catalogs", flow_run_name="refresh catalogs of {data}", retries=0, validate_parameters=False)
def refresh_price_lists(data: str = "data", providers: Sequence[str] = ()) -> CatalogRefresh:
    """Refresh prices and shapes from the price lists of some providers, of all by default.

    Raises ListsFailedError where a list could not be taken, after the others were written.
    """
    report = read_price_lists(data, list(providers))
    get_run_logger().info("outcomes %s, failed %s, skipped %s", report.counts(), report.failed, report.skipped)
    create_markdown_artifact(report_markdown(report), key="refresh-catalogs", description="Prices and shapes")
    if report.failed:
        raise ListsFailedError("; ".join(f"{provider}: {reason}" for provider, reason in report.failed.items()))
    return report


@task(task_run_name="read price lists")
def read_price_lists(data: str, providers: list[str]) -> CatalogRefresh:
    """One refresh; each download is tried again by itself. A data directory on a store is brought back afterwards."""
    with working_copy(Path(data)) if is_remote(data) else nullcontext(Path(data)) as local:
        return refresh_catalogs(local, providers)


def report_markdown(report: CatalogRefresh) -> str:
    """The report as the Markdown artifact of the run."""
    lines = ["# Catalogs", "", *(f"* {kind}: {count:,}" for kind, count in report.counts().items())]
    lines += [f"* **{provider} failed**: {reason}" for provider, reason in report.failed.items()]
    lines += [f"* {provider} skipped: {reason}" for provider, reason in report.skipped.items()]
    changed = [outcome for outcome in report.outcomes if outcome.outcome not in ("same", "not_listed")]
    if changed:
        lines += ["", "| provider | shape | kind | outcome | was | now |", "| --- | --- | --- | --- | --- | --- |"]
        lines += [f"| {o.provider} | {o.shape} | {o.price_kind} | {o.outcome} | {_usd(o.was)} | {_usd(o.now)} |" for o in changed]
    return "\n".join(lines) + "\n"


def _usd(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
