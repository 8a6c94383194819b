"""One refresh on a Prefect server of this process's own, which boots while this process imports Prefect and begins to crawl."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from flows.lake.lake import open_lake, refresh_lock
from flows.lake.model_lists import read_model_lists
from flows.prefect_runtime.settings import prefect_home, start_server
from flows.remote.data_directory import is_remote, local_directory

if TYPE_CHECKING:
    from flows.publish.run_report import RefreshReport


def run_refresh(
    models: Sequence[str], data: Path, offline: bool = False, full: bool = False, strict: bool = False
) -> RefreshReport:
    """Refresh once, on Prefect's embedded server unless PREFECT_API_URL names another.

    Args:
        models: files of model ids, ids, or `hub:` queries; none for the bundled list.
        data: the data directory, with the lake and the published versions, or `s3://bucket/prefix`.
        offline: ask no Hub, work from the last known facts.
        full: fetch every model and compute every bucket of the grid again, changed or not.
        strict: report exit status 1 when any model was rejected.

    Raises ValueError subclasses, with one clear line, for bad lists, bad catalogs, an unusable or busy data directory, or a
    version that fails its checks; what was published before is then as it was.
    """
    listed = read_model_lists(models)  # a fault of the input is reported before anything starts
    local = local_directory(data)
    with refresh_lock(local):
        open_lake(local)
    server = start_server(local)  # before the Hub's client is imported: it is what a short run waits for
    from flows.crawl.crawl import begin_crawl
    from flows.lake.catalogs import load_catalogs

    load_catalogs(data=local)
    # A remote lake is fetched by the flow, and can be crawled into only then.
    crawling = nullcontext() if is_remote(data) else begin_crawl(local, listed, offline, full)
    with _garbage_seldom_collected(), crawling:
        from flows.estimate.estimate_flow import task_runner
        from flows.refresh import refresh

        task_runner()
        with prefect_home(server):
            return refresh(list(models), str(data), offline, full, strict)


@contextmanager
def _garbage_seldom_collected() -> Iterator[None]:
    """Look for cyclic garbage once in 200,000 allocations instead of 700, and not among what was imported.

    Pages of a listing and rows of models are freed by reference; searching them again and again is a third of a crawl's work.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
