"""An early start: the crawl begins while Prefect is imported and its server boots, so that both are waited for at once.

`crawl` (`flows.crawl.crawl`) takes over an early crawl of its data directory as if it had crawled itself. It does so once: a
task that is tried again after an early crawl failed crawls itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from flows.crawl.crawl_report import CrawlReport
from flows.lake.lake import refresh_lock


@dataclass
class _EarlyCrawl:
    """A crawl under way in a data directory; None once it was taken over."""

    root: Path
    crawl: Future[CrawlReport] | None


_UNDER_WAY: ContextVar[_EarlyCrawl | None] = ContextVar("early crawl", default=None)


@contextmanager
def crawling_early(root: Path, crawl: Callable[[], CrawlReport]) -> Iterator[None]:
    """Hold the data directory's lock, and crawl in a thread while the block runs.

    The block ends when the crawl has ended, however it was taken over. Raises LakeError when another refresh holds the lock.
    """
    with refresh_lock(root), ThreadPoolExecutor(1, "crawl") as pool:
        token = _UNDER_WAY.set(_EarlyCrawl(root, pool.submit(crawl)))
        try:
            yield
        finally:
            _UNDER_WAY.reset(token)


def early_crawl(root: Path) -> Future[CrawlReport] | None:
    """The early crawl that is under way around this in the data directory, once; None where there is none any more."""
    early = _UNDER_WAY.get()
    if early is None or early.root != root:
        return None
    crawl, early.crawl = early.crawl, None
    return crawl


def run_lock(root: Path) -> AbstractContextManager[None]:
    """The lock of a data directory for a run, unless an early crawl of the same run holds it already."""
    early = _UNDER_WAY.get()
    return refresh_lock(root) if early is None or early.root != root else nullcontext()
