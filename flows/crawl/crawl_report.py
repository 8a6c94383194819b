"""The counts of a crawl, as numbers and in one line, and its progress bar."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.crawl.fetch_model import FetchedModel


@dataclass(frozen=True)
class CrawlReport:
    """Counts of a crawl, of models except where said otherwise.

    Attributes:
        hub: reached, unreachable, lost (went away in the middle), offline (not asked on purpose) or spent (the day's budget of
            requests was used up before).
        models: models of the run, those that queries named included. Their ids are in the lake, because Prefect looks through
            everything that a flow returns.
        shared_headers: fetched models that took the headers of a model with the same config and totals.
        postponed: models that the day's budget left for another night.
        requests: requests by kind.
        began_at: when the crawl began, which may be before its flow.
    """

    hub: str
    models: int
    fetched: int = 0
    unchanged: int = 0
    resumed: int = 0
    shared_headers: int = 0
    postponed: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    began_at: datetime | None = None

    def summary(self) -> str:
        """The counts in one line."""
        rejects = ", ".join(f"{count:,} {status}" for status, count in sorted(self.statuses.items()) if status != "ok")
        parts = [f"{self.fetched:,} fetched", f"{self.unchanged:,} unchanged"]
        parts += [f"{self.resumed:,} from the interrupted run"] if self.resumed else []
        parts += [f"refused: {rejects}"] if rejects else []
        return f"crawled {self.models:,} models in {self.seconds:.0f} s: {'; '.join(parts)}"


@dataclass
class FetchCounts:
    """Counts of the models that were fetched so far."""

    statuses: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    shared_headers: int = 0
    postponed: int = 0
    failures_in_a_row: int = 0
    lost: bool = False

    def add(self, result: FetchedModel) -> None:
        """Count one more model."""
        self.statuses[result.files.status] += 1
        self.unchanged += result.unchanged
        self.shared_headers += result.files.headers_of not in (None, result.files.model_id)
        failed = result.files.status == "network_failure"
        self.failures_in_a_row = self.failures_in_a_row + 1 if failed else 0

    @property
    def rejects(self) -> int:
        """Models with any other status than ok."""
        return sum(count for status, count in self.statuses.items() if status != "ok")


@contextmanager
def progress_bar() -> Iterator[Callable[[int, FetchCounts], None]]:
    """Yield a function to call with the number of models named so far and the counts: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda named, counts: None
        return
    columns = (
        TextColumn("crawling"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f} models/s, {task.fields[rejects]} rejects"),
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("crawling", total=None, rate=0.0, rejects=0)

        def show(named: int, counts: FetchCounts) -> None:
            finished = sum(counts.statuses.values())
            rate = finished / max(time.monotonic() - started, 1e-9)
            progress.update(bar, completed=finished, total=named, rate=rate, rejects=counts.rejects)

        yield show
