"""Threads that fetch models as these become known, and the batches in which their results come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from flows.crawl.fetch_model import FetchedModel
from flows.hub.request_budget import BudgetSpentError

THREADS = 12
"""Requests in flight: at 20 ms an answer about as many as one process can handle (some 600 a second)."""

_GATHER_SECONDS = 0.03  # results that arrive within this time are written together


class FetchThreads:
    """A pool of threads at work on models. Use as a context manager; leaving it stops the threads.

    Args:
        fetch: fetches one model.
        named: batches of model ids, read in a separate thread: the first models are fetched while others are not known yet.
    """

    def __init__(self, fetch: Callable[[str], FetchedModel], named: Iterable[Iterable[str]]) -> None:
        self.named = 0
        self._fetch = fetch
        self._batches = named
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._results: SimpleQueue[FetchedModel | BaseException | None] = SimpleQueue()
        self._begun = 0
        self._fetched = 0
        self._counting = threading.Lock()
        self._stopped = False
        self._left = False
        self._budget_spent = False
        self._naming = threading.Thread(target=self._name, name="crawl-names", daemon=True)
        self._threads = [threading.Thread(target=self._work, name=f"crawl-{number}", daemon=True) for number in range(THREADS)]

    def __enter__(self) -> Self:
        for thread in (self._naming, *self._threads):
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._left = True
        self.stop()
        for thread in (self._naming, *self._threads):
            thread.join()

    @property
    def postponed(self) -> int:
        """Models that were not fetched because the day's budget of requests ended."""
        return self.named - self._fetched if self._budget_spent else 0

    def stop(self) -> int:
        """Begin no further model; returns how many of those named so far are left. Models are named to the end all the same."""
        with self._counting:
            self._stopped = True
            left = self.named - self._begun
        self._dismiss()
        return left

    def batches(self) -> Iterator[list[FetchedModel]]:
        """Results as they arrive, until all threads have ended. Raises what a thread raised."""
        at_work = 1 + len(self._threads)
        while at_work:
            arrived = [self._results.get()]
            time.sleep(_GATHER_SECONDS)
            while True:
                try:
                    arrived.append(self._results.get_nowait())
                except Empty:
                    break
            at_work -= sum(each is None for each in arrived)
            results = [each for each in arrived if isinstance(each, FetchedModel)]
            self._fetched += len(results)
            if results:
                yield results
            for each in arrived:
                if isinstance(each, BudgetSpentError):
                    self._budget_spent = True
                    self.stop()
                elif isinstance(each, BaseException):
                    raise each

    def _name(self) -> None:
        try:
            for model_ids in self._batches:
                for model_id in model_ids:
                    self.named += 1
                    self._waiting.put(model_id)
                if self._left:
                    return
        except BaseException as error:
            self._results.put(error)
        finally:
            self._dismiss()
            self._results.put(None)

    def _dismiss(self) -> None:
        """Let each thread end after the models that were named before."""
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self) -> None:
        try:
            while (model_id := self._waiting.get()) is not None:
                with self._counting:
                    if self._stopped:
                        return
                    self._begun += 1
                self._results.put(self._fetch(model_id))
        except BaseException as error:
            self._results.put(error)
        finally:
            self._results.put(None)
