"""The crawl: model ids and Hub queries → `hub_files`, many models at a time, each result durable as soon as it arrives.

A run after a killed one continues where that stopped; a run after a complete one asks for listings and metadata only. Models are
fetched while listings still arrive. When the day's budget of requests ends, the run continues with the models it has, and the
next run begins with those that have waited longest. Without the Hub the crawl says so once and leaves the lake as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import polars as pl

from flows.crawl.crawl_report import CrawlReport, FetchCounts, progress_bar
from flows.crawl.early_crawl import crawling_early, early_crawl
from flows.crawl.fetch_model import FetchedModel, KnownCommit, fetch_model
from flows.crawl.fetch_threads import THREADS, FetchThreads
from flows.crawl.journal import Journal, interrupted_run, merge_journal, read_texts
from flows.crawl.known_headers import KnownHeaders
from flows.crawl.listed_models import ListedModels, models_to_fetch
from flows.hub.client import Hub, open_hub, reachable
from flows.hub.request_budget import daily_limit, note_sent, sent_today
from flows.lake.lake import Lake, open_lake, read_queries, read_table, write_requested
from flows.printing.progress import say
from transforms.catalogs.model_list import ModelList, is_model_id

_OUTAGE_FAILURES = 2 * THREADS  # models in a row without an answer, after which the Hub counts as gone
_NOTED_SECONDS = 5.0


def crawl(lake: Lake, models: ModelList, offline: bool = False, full: bool = False, hub: Hub | None = None) -> CrawlReport:
    """Bring `hub_files` up to date with the Hub; an early crawl of the same lake is waited for instead.

    Args:
        lake: the lake, held under its lock.
        models: what to crawl.
        offline: ask no Hub.
        full: fetch every model again, changed or not.
        hub: the Hub to ask; by default the one of `HF_ENDPOINT`.
    """
    early = early_crawl(lake.root)
    return early.result() if early is not None else _crawl(lake, models, offline, full, hub or open_hub())


@contextmanager
def begin_crawl(root: Path, models: ModelList, offline: bool, full: bool) -> Iterator[None]:
    """Hold the data directory's lock and crawl in the background while the block runs; `crawl` within it takes the crawl over.

    When the block ends before the crawl, as after an error, the crawl sends no further request and keeps what it has. Raises
    LakeError when another refresh holds the lock.
    """
    hub = open_hub()
    with crawling_early(root, lambda: _crawl(open_lake(root), models, offline, full, hub)):
        try:
            yield
        finally:
            hub.requests.withdraw()


def _crawl(lake: Lake, models: ModelList, offline: bool, full: bool, hub: Hub) -> CrawlReport:
    started, began_at = time.monotonic(), datetime.now(UTC)
    limit, sent = daily_limit(), sent_today(lake)
    hub.requests.allowed = None if limit is None else max(0, limit - sent)
    not_asked = _why_not_asked(hub, models, offline, limit)
    if not_asked is not None:
        state, why = not_asked
        say(f"{why}; going on with the last known facts")
        merge_journal(lake)
        ids = _with_last_answers(lake, models)
        write_requested(lake, ids)
        return CrawlReport(state, len(ids), seconds=time.monotonic() - started, began_at=began_at)
    interrupted = interrupted_run(lake, full)
    merge_journal(lake)
    known = _StoredModels({}, {}, KnownHeaders()) if full else _known(lake)
    if interrupted.done:
        say(f"going on with an interrupted run: {len(interrupted.done):,} models are there already")
    listed = ListedModels(dict.fromkeys(models.ids))
    named = models_to_fetch(lake, hub, models, known.commits, listed)
    if limit is not None:  # a budget goes to those that have waited longest, and only the whole list tells who they are
        named = iter([sorted(chain.from_iterable(named), key=known.waiting_since)])
    targets = ([model_id for model_id in page if model_id not in interrupted.done] for page in named)
    with Journal(lake, full, interrupted) as journal:
        counts = _fetch_all(journal, hub, targets, known, listed, _noting_requests(lake, hub, limit, sent))
    ids = tuple(listed.ids)
    resumed = sum(model_id in interrupted.done for model_id in ids)
    merge_journal(lake, list(listed.confirmed.values()))
    write_requested(lake, ids)
    report = CrawlReport(
        "lost" if counts.lost else "reached",
        len(ids),
        fetched=sum(counts.statuses.values()) - counts.unchanged,
        unchanged=counts.unchanged + len(listed.confirmed),
        resumed=resumed,
        shared_headers=counts.shared_headers,
        postponed=counts.postponed,
        statuses=dict(counts.statuses + listed.statuses),
        requests=dict(hub.requests.by_kind),
        seconds=time.monotonic() - started,
        began_at=began_at,
    )
    say(report.summary())
    if report.postponed and limit is not None:
        say(
            f"the budget of {limit:,} Hub requests a day is used up: {report.postponed:,} models wait for the next night, "
            "those that have waited longest first"
        )
    return report


def _why_not_asked(hub: Hub, models: ModelList, offline: bool, limit: int | None) -> tuple[str, str] | None:
    """State and reason when the Hub is not asked, None when it answers."""
    if offline:
        return "offline", "offline: the Hub is not asked"
    if hub.requests.spent:
        return "spent", f"the budget of {limit:,} Hub requests a day is used up"
    if not reachable(hub, models.ids[0] if models.ids else None):
        return "unreachable", f"{hub.endpoint} cannot be reached"
    return None


@dataclass(frozen=True)
class _StoredModels:
    """The lake's models: commits and statuses, the time when each was last fetched (µs), and headers that others may share."""

    commits: dict[str, KnownCommit]
    fetched_us: dict[str, int]
    headers: KnownHeaders

    def waiting_since(self, model_id: str) -> int:
        """The time when a model was last fetched, in microseconds; before all others where it never was."""
        return self.fetched_us.get(model_id, 0)


def _fetch_all(
    journal: Journal,
    hub: Hub,
    targets: Iterable[list[str]],
    known: _StoredModels,
    listed: ListedModels,
    note_requests: Callable[[bool], None],
) -> FetchCounts:
    counts = FetchCounts()

    def fetch(model_id: str) -> FetchedModel:
        described = listed.changed.pop(model_id, None)
        with hub.requests.for_one_model():
            return fetch_model(hub, model_id, known.commits.get(model_id), described, known.headers)

    with progress_bar() as show, FetchThreads(fetch, targets) as fetchers:
        for results in fetchers.batches():
            journal.append(results)
            for result in results:
                counts.add(result)
            note_requests(False)
            show(fetchers.named, counts)
            if counts.failures_in_a_row >= _OUTAGE_FAILURES and not counts.lost:
                counts.lost = True
                say(f"{hub.endpoint} no longer answers: {fetchers.stop():,} models keep their last known facts")
    counts.postponed = fetchers.postponed
    note_requests(True)
    return counts


def _noting_requests(lake: Lake, hub: Hub, limit: int | None, sent: int) -> Callable[[bool], None]:
    """A function that writes the day's requests to the lake every few seconds and at the end: those of a killed run count too."""
    noted = time.monotonic()

    def note(at_end: bool) -> None:
        nonlocal noted
        if limit is not None and (at_end or time.monotonic() - noted > _NOTED_SECONDS):
            note_sent(lake, sent + hub.requests.by_kind.total())
            noted = time.monotonic()

    return note


def _known(lake: Lake) -> _StoredModels:
    """The commits of models whose texts are all there, and the headers that other models may share."""
    columns = ["model_id", "sha", "status", "fetched_at", "config_hash", "header_hash", "config_key", "safetensors_totals"]
    table = read_table(lake, "hub_files", [*columns, "headers_of"])
    if table is None:
        return _StoredModels({}, {}, KnownHeaders())
    hashes = read_table(lake, "hub_texts", ["text_hash"])
    there = pl.Series("text_hash", [], dtype=pl.String) if hashes is None else hashes["text_hash"]
    whole = table.filter(
        (pl.col(column).is_null() | pl.col(column).is_in(there.implode())) for column in ("config_hash", "header_hash")
    )
    ids = whole["model_id"].to_list()
    commits = dict(zip(ids, map(KnownCommit, whole["sha"].to_list(), whole["status"].to_list()), strict=True))
    own = whole.filter(pl.col("headers_of") == pl.col("model_id"), pl.col("config_key").is_not_null())
    own = own.sort("model_id").unique(["config_key", "safetensors_totals"], keep="first", maintain_order=True)
    texts = read_texts(lake, own["header_hash"])
    shared = {
        (key, totals): (texts[header], model_id)
        for model_id, key, totals, header in own.select(
            "model_id", "config_key", "safetensors_totals", "header_hash"
        ).drop_nulls().iter_rows()
        if header in texts
    }  # fmt: skip
    fetched_us = dict(zip(table["model_id"].to_list(), table["fetched_at"].dt.epoch("us").to_list(), strict=True))
    return _StoredModels(commits, fetched_us, KnownHeaders(shared))


def _with_last_answers(lake: Lake, models: ModelList) -> tuple[str, ...]:
    answers = read_queries(lake)
    unknown = [query for query in models.queries if query.text not in answers]
    if unknown:
        say(f"{len(unknown)} Hub queries have never been answered and are left out, first {unknown[0].text}")
    listed = [model_id for query in models.queries for model_id in answers.get(query.text, []) if is_model_id(model_id)]
    return tuple(dict.fromkeys([*models.ids, *listed]))
