"""Threads that fetch models, and the batches in which their results come back."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from flows.budget import BudgetSpentError
from flows.fetch import Fetched

THREADS = 12
"""Requests in flight: at 20 ms an answer about as many as one process can handle (some 600 a second)."""

_GATHER_SECONDS = 0.03  # results of so long are written together


class Fetchers:
    """A pool of threads at work on a list of models. Use as a context manager; leaving it stops the threads."""

    def __init__(self, fetch: Callable[[str], Fetched], model_ids: Sequence[str]) -> None:
        self._fetch = fetch
        self._waiting = deque(model_ids)
        self._results: SimpleQueue[Fetched | BaseException | None] = SimpleQueue()
        self._unread = 0
        self._budget_spent = False
        self._threads = [
            threading.Thread(target=self._work, name=f"crawl-{number}", daemon=True)
            for number in range(min(THREADS, len(model_ids)))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        for thread in self._threads:
            thread.join()

    @property
    def postponed(self) -> int:
        """Models that were not fetched because the day's budget of requests ended."""
        return self._unread if self._budget_spent else 0

    def stop(self) -> int:
        """Start no further model; returns how many that leaves."""
        left = 0
        while self._waiting:
            try:
                self._waiting.pop()
                left += 1
            except IndexError:
                break
        return left

    def batches(self) -> Iterator[list[Fetched]]:
        """Results as they arrive, until all threads have ended. Raises what a thread raised."""
        at_work = len(self._threads)
        while at_work:
            arrived = [self._results.get()]
            time.sleep(_GATHER_SECONDS)
            while True:
                try:
                    arrived.append(self._results.get_nowait())
                except Empty:
                    break
            at_work -= sum(each is None for each in arrived)
            results = [each for each in arrived if isinstance(each, Fetched)]
            if results:
                yield results
            for each in arrived:
                if isinstance(each, BudgetSpentError):
                    self._budget_spent = True
                    self._unread += 1 + self.stop()
                elif isinstance(each, BaseException):
                    raise each

    def _work(self) -> None:
        try:
            while True:
                try:
                    model_id = self._waiting.popleft()
                except IndexError:
                    return
                self._results.put(self._fetch(model_id))
        except BaseException as error:
            self._results.put(error)
        finally:
            self._results.put(None)
