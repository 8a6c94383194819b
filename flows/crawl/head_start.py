"""The crawl, begun while Prefect is imported and its server boots: the Hub and the server are waited for in the same seconds.

The flow takes what it came to as if it had crawled itself; a crawl that failed is begun anew there, when its task is tried again.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from flows.crawl.crawl import CrawlReport, crawl
from flows.hub.client import open_hub
from flows.lake.lake import Lake, open_lake, refresh_lock
from transforms.catalogs.model_list import ModelList


@dataclass(frozen=True)
class _HeadStart:
    """A crawl under way in a data directory, until somebody takes it."""

    root: Path
    crawls: list[Future[CrawlReport]]


_UNDER_WAY: ContextVar[_HeadStart | None] = ContextVar("head start", default=None)


@contextmanager
def head_start(root: Path, models: ModelList, offline: bool, full: bool) -> Iterator[None]:
    """Hold the data directory's lock, and crawl in a thread while the block runs; a flow within the block goes on from there.

    When the block ends before the crawl, as on an error, the crawl sends no further request and keeps what it has. Raises
    LakeError when another refresh holds the lock.
    """
    with refresh_lock(root), ThreadPoolExecutor(1, "crawl") as pool:
        hub = open_hub()
        begun = _HeadStart(root, [pool.submit(crawl, open_lake(root), models, offline, full, hub)])
        token = _UNDER_WAY.set(begun)
        try:
            yield
        finally:
            _UNDER_WAY.reset(token)
            hub.requests.withdraw()


def locked(root: Path) -> AbstractContextManager[None]:
    """The lock of a data directory, unless it is that of the head start around this: that one holds it already."""
    begun = _UNDER_WAY.get()
    return refresh_lock(root) if begun is None or begun.root != root else nullcontext()


def crawl_or_take(lake: Lake, models: ModelList, offline: bool, full: bool) -> CrawlReport:
    """What the crawl of the head start around this came to, or, without one or after it failed, that of a crawl of its own."""
    begun = _UNDER_WAY.get()
    if begun is not None and begun.root == lake.root and begun.crawls:
        return begun.crawls.pop().result()
    return crawl(lake, models, offline, full)
