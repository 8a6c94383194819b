"""The crawl: model ids and Hub queries → `hub_files`, many models at a time, each result durable as soon as it arrives.

A run that was killed goes on where it stopped; a run after a complete one asks for listings and metadata only. Models
are fetched while the listing still goes on. When the day's budget of requests ends, the run goes on with what it has, and the
next one begins with the models that have waited longest.
Without the Hub the crawl says so once and leaves the lake as it is.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.crawl.fetch_model import Fetched, Known, KnownHeaders, fetch_model
from flows.crawl.fetch_threads import THREADS, Fetchers
from flows.crawl.journal import Journal, interrupted_run, merge_journal, read_texts
from flows.crawl.listed_models import Survey, survey
from flows.hub.client import Hub, open_hub, reachable
from flows.hub.request_budget import daily_limit, note_sent, sent_today
from flows.lake.lake import Lake, read_queries, read_table, write_requested
from flows.printing.progress import say
from transforms.catalogs.model_list import ModelList, is_model_id

_OUTAGE_FAILURES = 2 * THREADS  # so many models in a row without an answer mean that the Hub has gone away
_NOTED_SECONDS = 5.0


@dataclass(frozen=True)
class CrawlReport:
    """What a crawl did. `hub` is reached, unreachable, lost (went away in the middle), offline (not asked on purpose) or
    spent (the day's budget of requests was used up before). `began_at` is when it began, maybe before its flow.

    `models` are those of the run, queries answered (their ids are in the lake: Prefect looks through all that a flow hands over);
    the other counts are of models too, `requests` of requests by kind.
    `shared_headers` are fetched models that took the headers of a model with the same config and totals, `postponed` those that
    the day's budget left for another night.
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


def crawl(lake: Lake, models: ModelList, offline: bool = False, full: bool = False, hub: Hub | None = None) -> CrawlReport:
    """Bring `hub_files` up to date with the Hub.

    Args:
        lake: the lake, held under its lock.
        models: what to crawl.
        offline: ask no Hub.
        full: fetch every model again, changed or not.
        hub: the Hub to ask; by default the one of `HF_ENDPOINT`.
    """
    started, began_at = time.monotonic(), datetime.now(UTC)
    hub = hub or open_hub()
    limit, sent = daily_limit(), sent_today(lake)
    hub.requests.allowed = None if limit is None else max(0, limit - sent)
    silence = _silence(hub, models, offline, limit)
    if silence is not None:
        state, why = silence
        say(f"{why}; going on with the last known facts")
        merge_journal(lake)
        ids = _with_last_answers(lake, models)
        write_requested(lake, ids)
        return CrawlReport(state, len(ids), seconds=time.monotonic() - started, began_at=began_at)
    interrupted = interrupted_run(lake, full)
    merge_journal(lake)
    known = _Stored({}, {}, KnownHeaders()) if full else _known(lake)
    if interrupted.done:
        say(f"going on with an interrupted run: {len(interrupted.done):,} models are there already")
    surveyed = Survey(dict.fromkeys(models.ids))
    named = survey(lake, hub, models, known.commits, surveyed)
    if limit is not None:  # a budget goes to those that have waited longest, and who they are is known once all is listed
        named = iter([sorted(chain.from_iterable(named), key=known.waiting_since)])
    targets = ([model_id for model_id in page if model_id not in interrupted.done] for page in named)
    with Journal(lake, full, interrupted) as journal:
        tally = _fetch_all(journal, hub, targets, known, surveyed, _counting(lake, hub, limit, sent))
    ids = tuple(surveyed.ids)
    resumed = sum(model_id in interrupted.done for model_id in ids)
    merge_journal(lake, list(surveyed.confirmed.values()))
    write_requested(lake, ids)
    report = CrawlReport(
        "lost" if tally.lost else "reached",
        len(ids),
        fetched=sum(tally.statuses.values()) - tally.unchanged,
        unchanged=tally.unchanged + len(surveyed.confirmed),
        resumed=resumed,
        shared_headers=tally.shared_headers,
        postponed=tally.postponed,
        statuses=dict(tally.statuses + surveyed.statuses),
        requests=dict(hub.requests.by_kind),
        seconds=time.monotonic() - started,
        began_at=began_at,
    )
    say(_summary(report))
    if report.postponed and limit is not None:
        say(
            f"the budget of {limit:,} Hub requests a day is used up: {report.postponed:,} models wait for the next night, "
            "those that have waited longest first"
        )
    return report


def _silence(hub: Hub, models: ModelList, offline: bool, limit: int | None) -> tuple[str, str] | None:
    """State and reason when the Hub is not asked, None when it answers."""
    if offline:
        return "offline", "offline: the Hub is not asked"
    if hub.requests.spent:
        return "spent", f"the budget of {limit:,} Hub requests a day is used up"
    if not reachable(hub, models.ids[0] if models.ids else None):
        return "unreachable", f"{hub.endpoint} cannot be reached"
    return None


@dataclass(frozen=True)
class _Stored:
    """What the lake holds: commits and statuses, when each model was last fetched (µs), and headers that others may share."""

    commits: dict[str, Known]
    fetched_us: dict[str, int]
    headers: KnownHeaders

    def waiting_since(self, model_id: str) -> int:
        """When a model was last fetched, in microseconds; before all others where it never was."""
        return self.fetched_us.get(model_id, 0)


@dataclass
class _Tally:
    statuses: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    shared_headers: int = 0
    postponed: int = 0
    failures_in_a_row: int = 0
    lost: bool = False

    def add(self, result: Fetched) -> None:
        self.statuses[result.files.status] += 1
        self.unchanged += result.unchanged
        self.shared_headers += result.files.headers_of not in (None, result.files.model_id)
        failed = result.files.status == "network_failure"
        self.failures_in_a_row = self.failures_in_a_row + 1 if failed else 0

    @property
    def rejects(self) -> int:
        return sum(count for status, count in self.statuses.items() if status != "ok")


def _fetch_all(
    journal: Journal, hub: Hub, targets: Iterable[list[str]], known: _Stored, surveyed: Survey, count: Callable[[bool], None]
) -> _Tally:
    tally = _Tally()

    def fetch(model_id: str) -> Fetched:
        listed = surveyed.changed.pop(model_id, None)
        with hub.requests.for_one_model():
            return fetch_model(hub, model_id, known.commits.get(model_id), listed, known.headers)

    with _progress() as show, Fetchers(fetch, targets) as fetchers:
        for results in fetchers.batches():
            journal.append(results)
            for result in results:
                tally.add(result)
            count(False)
            show(fetchers.named, tally)
            if tally.failures_in_a_row >= _OUTAGE_FAILURES and not tally.lost:
                tally.lost = True
                say(f"{hub.endpoint} no longer answers: {fetchers.stop():,} models keep their last known facts")
    tally.postponed = fetchers.postponed
    count(True)
    return tally


def _counting(lake: Lake, hub: Hub, limit: int | None, sent: int) -> Callable[[bool], None]:
    """A function that notes the day's requests in the lake, at last and now and then: a killed run has spent its own too."""
    noted = time.monotonic()

    def count(at_last: bool) -> None:
        nonlocal noted
        if limit is not None and (at_last or time.monotonic() - noted > _NOTED_SECONDS):
            note_sent(lake, sent + hub.requests.by_kind.total())
            noted = time.monotonic()

    return count


def _known(lake: Lake) -> _Stored:
    """The commits of models whose texts are all there, and the headers that other models may share."""
    columns = ["model_id", "sha", "status", "fetched_at", "config_hash", "header_hash", "config_key", "safetensors_totals"]
    table = read_table(lake, "hub_files", [*columns, "headers_of"])
    if table is None:
        return _Stored({}, {}, KnownHeaders())
    hashes = read_table(lake, "hub_texts", ["text_hash"])
    there = pl.Series("text_hash", [], dtype=pl.String) if hashes is None else hashes["text_hash"]
    whole = table.filter(
        (pl.col(column).is_null() | pl.col(column).is_in(there.implode())) for column in ("config_hash", "header_hash")
    )
    ids = whole["model_id"].to_list()
    commits = dict(zip(ids, map(Known, whole["sha"].to_list(), whole["status"].to_list()), strict=True))
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
    return _Stored(commits, fetched_us, KnownHeaders(shared))


def _with_last_answers(lake: Lake, models: ModelList) -> tuple[str, ...]:
    answers = read_queries(lake)
    unknown = [query for query in models.queries if query.text not in answers]
    if unknown:
        say(f"{len(unknown)} Hub queries have never been answered and are left out, first {unknown[0].text}")
    listed = [model_id for query in models.queries for model_id in answers.get(query.text, []) if is_model_id(model_id)]
    return tuple(dict.fromkeys([*models.ids, *listed]))


def _summary(report: CrawlReport) -> str:
    rejects = ", ".join(f"{count:,} {status}" for status, count in sorted(report.statuses.items()) if status != "ok")
    parts = [f"{report.fetched:,} fetched", f"{report.unchanged:,} unchanged"]
    parts += [f"{report.resumed:,} from the interrupted run"] if report.resumed else []
    parts += [f"refused: {rejects}"] if rejects else []
    return f"crawled {report.models:,} models in {report.seconds:.0f} s: {'; '.join(parts)}"


@contextmanager
def _progress() -> Iterator[Callable[[int, _Tally], None]]:
    """A function to call with (models named so far, tally): a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda named, tally: None
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

        def show(named: int, tally: _Tally) -> None:
            finished = sum(tally.statuses.values())
            rate = finished / max(time.monotonic() - started, 1e-9)
            progress.update(bar, completed=finished, total=named, rate=rate, rejects=tally.rejects)

        yield show
