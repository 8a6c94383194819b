"""The day's budget of Hub requests: counted in the lake, so that several runs of one day share it.

The limit is a row of the policies catalog (crawl, hub_requests_per_day); 0 sets none. Days are of UTC; a clock that went back
starts a new day rather than stopping the crawl.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flows.lake.catalogs import load_catalogs
from flows.lake.lake import Lake, set_aside, writing
from transforms.catalogs.policy_settings import setting

_OF_ONE_MODEL = 4  # config, quantization file, length and text of one header


class BudgetSpentError(Exception):
    """The day's budget of requests is used up; the rest is for the next night."""


@dataclass
class RequestBudget:
    """Requests of this run by kind (metadata, listing, config, headers, …), against what is left of the day's budget.

    `allowed` is how many this run may send; None sets no limit.
    """

    allowed: int | None = None
    by_kind: Counter[str] = field(default_factory=Counter)
    _reserved: int = 0
    _withdrawn: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def for_one_model(self) -> Iterator[None]:
        """Hold what one model usually costs, so that no model is begun that cannot be finished: its requests would be lost.

        Raises BudgetSpentError when too little is left.
        """
        with self._lock:
            self._refuse_beyond(self._reserved + _OF_ONE_MODEL)
            self._reserved += _OF_ONE_MODEL
        try:
            yield
        finally:
            with self._lock:
                self._reserved -= _OF_ONE_MODEL

    def withdraw(self) -> None:
        """Allow no further request, whatever the budget: nobody waits for the answers any more."""
        with self._lock:
            self._withdrawn = True

    def spend(self, kind: str) -> None:
        """Count a request that is about to be sent. Raises BudgetSpentError when none is left."""
        with self._lock:
            self._refuse_beyond(1)
            self.by_kind[kind] += 1

    def _refuse_beyond(self, requests: int) -> None:
        if self._withdrawn:
            raise BudgetSpentError("the run has ended")
        if self.allowed is not None and self.by_kind.total() + requests > self.allowed:
            raise BudgetSpentError("the day's budget of Hub requests is used up")

    @property
    def spent(self) -> bool:
        """True where too little is left for one model."""
        return self.allowed is not None and self.by_kind.total() + _OF_ONE_MODEL > self.allowed


def daily_limit() -> int | None:
    """Requests that the policies catalog allows in a day; None where it sets no limit. Raises SettingError."""
    return int(setting(load_catalogs()["policies"], "crawl", "hub_requests_per_day")) or None


def sent_today(lake: Lake, now: datetime | None = None) -> int:
    """Requests that earlier runs of this day have sent."""
    if not lake.requests.exists():
        return 0
    try:
        counted = json.loads(lake.requests.read_bytes())
        return int(counted["requests"]) if counted["day"] == _day(now) else 0
    except (ValueError, KeyError, TypeError):
        set_aside(lake.requests)
        return 0


def note_sent(lake: Lake, requests: int, now: datetime | None = None) -> None:
    """Record the number of requests of the day, those of earlier runs included. Raises LakeError."""
    text = json.dumps({"day": _day(now), "requests": requests})
    with writing(lake.requests) as stream:
        stream.write(text.encode())


def _day(now: datetime | None) -> str:
    return (now or datetime.now(UTC)).date().isoformat()
