"""The crawl: model ids and Hub queries → `hub_files`, many models at a time, each result durable as soon as it arrives.

A run that was killed goes on where it stopped; a run after a complete one asks for metadata only. Without the Hub it says so
once and leaves the lake as it is.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import ModelInfo
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.fetch import Fetched, Known, fetch_model
from flows.hub import Hub, OverBoundError, list_query, open_hub, reachable
from flows.journal import Interrupted, Journal, interrupted_run, merge_journal
from flows.lake import Lake, read_queries, read_table, write_queries, write_requested
from flows.run_log import say
from flows.throttle import HubFailureError
from transforms.model_list import HubQuery, ModelList, ModelListError, check_model_id, join_lists, parse_model_list

THREADS = 12
_OUTAGE_FAILURES = 2 * THREADS  # so many models in a row without an answer mean that the Hub has gone away
_LONGEST_LIST_BYTES = 100 * 2**20


@dataclass(frozen=True)
class CrawlReport:
    """What a crawl did. `hub` is reached, unreachable, lost (went away in the middle) or offline (not asked on purpose).

    `model_ids` are the models of the run, queries answered; the counts are of models, `requests` of requests by kind.
    """

    hub: str
    model_ids: tuple[str, ...]
    fetched: int = 0
    unchanged: int = 0
    resumed: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def read_model_lists(arguments: Sequence[str]) -> ModelList:
    """Ids, queries and files of them, as given on the command line; without any, the bundled list.

    An argument is a file if one of that name exists, else an id or a `hub:` query. Raises ModelListError.
    """
    if not arguments:
        return parse_model_list(files("catalogs").joinpath("models.txt").read_text(encoding="utf-8"), "catalogs/models.txt")
    return join_lists([_read_argument(argument) for argument in arguments])


def _read_argument(argument: str) -> ModelList:
    path = Path(argument)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        if argument.startswith("hub:"):
            return parse_model_list(argument, "argument")
        try:
            return ModelList(ids=(check_model_id(argument),))
        except ModelListError as error:
            raise ModelListError(f"no such file, and {error}") from None
    if path.stat().st_size > _LONGEST_LIST_BYTES:
        raise ModelListError(f"{argument} is longer than {_LONGEST_LIST_BYTES:,} bytes; it is no list of models")
    try:
        return parse_model_list(path.read_text(encoding="utf-8"), argument)
    except UnicodeDecodeError:
        raise ModelListError(f"{argument} is no text file; write one model id a line") from None
    except OSError as error:
        raise ModelListError(f"{argument} cannot be read: {error.strerror}") from None


def crawl(lake: Lake, models: ModelList, offline: bool = False, full: bool = False, hub: Hub | None = None) -> CrawlReport:
    """Bring `hub_files` up to date with the Hub.

    Args:
        lake: the lake, held under its lock.
        models: what to crawl.
        offline: ask no Hub.
        full: fetch every model again, changed or not.
        hub: the Hub to ask; by default the one of `HF_ENDPOINT`.
    """
    started = time.monotonic()
    hub = hub or open_hub()
    probed = models.ids[0] if models.ids else None
    if offline or not reachable(hub, probed):
        silent = "offline: the Hub is not asked" if offline else f"{hub.endpoint} cannot be reached"
        say(f"{silent}; going on with the last known facts")
        merge_journal(lake)
        ids = _with_last_answers(lake, models)
        write_requested(lake, ids)
        return CrawlReport("offline" if offline else "unreachable", ids, seconds=time.monotonic() - started)
    listed = _answer_queries(lake, hub, models.queries)
    ids = tuple(dict.fromkeys([*models.ids, *listed]))
    interrupted = interrupted_run(lake, full)
    targets = [model_id for model_id in ids if model_id not in interrupted.done]
    resumed = len(ids) - len(targets)
    if resumed:
        say(f"going on with an interrupted run: {resumed:,} of {len(ids):,} models are there already")
    known = {} if full else _known(lake, interrupted)
    tally = _fetch_all(lake, hub, targets, known, listed, full)
    merge_journal(lake)
    write_requested(lake, ids)
    report = CrawlReport(
        "lost" if tally.lost else "reached",
        ids,
        fetched=sum(tally.statuses.values()) - tally.unchanged,
        unchanged=tally.unchanged,
        resumed=resumed,
        statuses=dict(tally.statuses),
        requests=dict(hub.requests),
        seconds=time.monotonic() - started,
    )
    say(_summary(report))
    return report


@dataclass
class _Tally:
    statuses: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    failures_in_a_row: int = 0
    lost: bool = False

    def add(self, result: Fetched) -> None:
        self.statuses[result.files.status] += 1
        self.unchanged += result.unchanged
        failed = result.files.status == "network_failure"
        self.failures_in_a_row = self.failures_in_a_row + 1 if failed else 0

    @property
    def rejects(self) -> int:
        return sum(count for status, count in self.statuses.items() if status != "ok")


def _fetch_all(
    lake: Lake, hub: Hub, targets: list[str], known: dict[str, Known], listed: dict[str, ModelInfo | None], full: bool
) -> _Tally:
    tally = _Tally()
    waiting = deque(targets)
    with Journal(lake, full) as journal, _progress(len(targets)) as show, ThreadPoolExecutor(THREADS, "crawl") as pool:
        running: set[Future[Fetched]] = set()
        while waiting or running:
            while waiting and len(running) < 2 * THREADS and not tally.lost:
                model_id = waiting.popleft()
                running.add(pool.submit(fetch_model, hub, model_id, known.get(model_id), listed.get(model_id)))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            results = [future.result() for future in finished]
            journal.append(results)
            for result in results:
                tally.add(result)
            show(len(results), tally)
            if tally.failures_in_a_row >= _OUTAGE_FAILURES and not tally.lost:
                tally.lost = True
                say(f"{hub.endpoint} no longer answers: {len(waiting):,} models keep their last known facts")
                waiting.clear()
    return tally


def _known(lake: Lake, interrupted: Interrupted) -> dict[str, Known]:
    table = read_table(lake, "hub_files", ["model_id", "sha", "status"])
    stored = {} if table is None else {model_id: Known(sha, status) for model_id, sha, status in table.iter_rows()}
    return stored | interrupted.known


def _answer_queries(lake: Lake, hub: Hub, queries: Sequence[HubQuery]) -> dict[str, ModelInfo | None]:
    """What the queries name, with the metadata that the listing brings: no further request for unchanged models."""
    answers = read_queries(lake)
    listed: dict[str, ModelInfo | None] = {}
    asked = False
    for query in queries:
        try:
            found = [information for information in list_query(hub, query) if _is_model_id(information.id)]
        except (HfHubHTTPError, HubFailureError, OverBoundError) as error:
            say(f"{query.text}: {str(error).splitlines()[0]}; its last known answer is used")
            continue
        listed.update((information.id, information) for information in found)
        answers[query.text] = [information.id for information in found]
        asked = True
    if asked:
        write_queries(lake, answers)
    for query in queries:
        for model_id in answers.get(query.text, []):
            listed.setdefault(model_id, None)
    return listed


def _with_last_answers(lake: Lake, models: ModelList) -> tuple[str, ...]:
    answers = read_queries(lake)
    unknown = [query for query in models.queries if query.text not in answers]
    if unknown:
        say(f"{len(unknown)} Hub queries have never been answered and are left out, first {unknown[0].text}")
    listed = [model_id for query in models.queries for model_id in answers.get(query.text, []) if _is_model_id(model_id)]
    return tuple(dict.fromkeys([*models.ids, *listed]))


def _is_model_id(model_id: object) -> bool:
    try:
        return isinstance(model_id, str) and bool(check_model_id(model_id))
    except ModelListError:
        return False


def _summary(report: CrawlReport) -> str:
    rejects = ", ".join(f"{count:,} {status}" for status, count in sorted(report.statuses.items()) if status != "ok")
    parts = [f"{report.fetched:,} fetched", f"{report.unchanged:,} unchanged"]
    parts += [f"{report.resumed:,} from the interrupted run"] if report.resumed else []
    parts += [f"refused: {rejects}"] if rejects else []
    return f"crawled {len(report.model_ids):,} models in {report.seconds:.0f} s: {'; '.join(parts)}"


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int, _Tally], None]]:
    """A function to call with (models finished, tally): a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda advance, tally: None
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
        bar = progress.add_task("crawling", total=total, rate=0.0, rejects=0)

        def show(advance: int, tally: _Tally) -> None:
            rate = sum(tally.statuses.values()) / max(time.monotonic() - started, 1e-9)
            progress.update(bar, advance=advance, rate=rate, rejects=tally.rejects)

        yield show
