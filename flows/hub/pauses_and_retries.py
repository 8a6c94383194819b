"""Pauses that all requests to the Hub share, from its rate-limit headers; and retries with back-off and jitter."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import httpx2
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import parse_ratelimit_headers

Result = TypeVar("Result")

_RETRIED_STATUS = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_LONGEST_PAUSE_S = 300.0  # the Hub's rate-limit windows last five minutes


class HubFailureError(Exception):
    """The Hub did not answer usably after all retries; the message says what happened last."""


class NonsenseAnswerError(ValueError):
    """An answer that is not what the Hub sends; asked again like a dropped connection."""


@dataclass(frozen=True)
class Retries:
    """The number of tries of a request, and the bounds of the exponential back-off between them."""

    attempts: int = 7
    first_delay_s: float = 0.5
    longest_delay_s: float = 20.0


@dataclass
class Throttle:
    """Pauses that all threads share, by the Hub's kind of request (`api`, `resolvers`, …; `*` pauses all)."""

    paused_until: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, kind: str) -> None:
        """Sleep until requests of the kind may go out."""
        while (delay := self._delay(kind)) > 0:
            time.sleep(delay)

    def observe(self, status: int, headers: Mapping[str, str]) -> None:
        """Take note of an answer: a 429, or the last request of a window, pauses every thread until the window ends."""
        limits = parse_ratelimit_headers(headers)
        if limits is not None and limits.remaining == 0:
            self._pause(limits.resource_type, limits.reset_in_seconds)
        elif status == 429 and (seconds := retry_after(headers)) is not None:
            self._pause("*", seconds)

    def _delay(self, kind: str) -> float:
        with self.lock:
            until = max(self.paused_until.get(kind, 0.0), self.paused_until.get("*", 0.0))
        return until - time.monotonic()

    def _pause(self, kind: str, seconds: float) -> None:
        # A little jitter, so that threads do not all start in the window's first instant.
        until = time.monotonic() + min(seconds, _LONGEST_PAUSE_S) + random.uniform(0.05, 0.5)
        with self.lock:
            self.paused_until[kind] = max(until, self.paused_until.get(kind, 0.0))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, where it gives seconds."""
    value = (headers.get("retry-after") or "").strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else None


def with_retries(operation: Callable[[], Result], kind: str, throttle: Throttle, retries: Retries) -> Result:
    """The operation's result, tried again on 429, 5xx, dropped connections, timeouts and unreadable answers.

    Answers that mean something (not found, gated, …) pass through as huggingface_hub raises them. Raises HubFailureError.
    """
    for attempt in range(1, retries.attempts + 1):
        throttle.wait(kind)
        asked_to_wait = 0.0
        try:
            return operation()
        except HfHubHTTPError as error:
            status = error.response.status_code
            if status not in _RETRIED_STATUS:
                raise
            reason = f"HTTP {status}"
            if status != 429:  # after a 429 the throttle makes every thread wait
                asked_to_wait = min(retry_after(error.response.headers) or 0.0, _LONGEST_PAUSE_S)
        except httpx2.RequestError as error:
            reason = _reason(error)
        except NonsenseAnswerError as error:
            reason = str(error)
        except RuntimeError as error:
            # huggingface_hub closes the shared client after a failed connection; the next try gets a new one.
            if "closed" not in str(error):
                raise
            reason = "the connection was closed"
        if attempt < retries.attempts:
            backoff = min(retries.longest_delay_s, retries.first_delay_s * 2 ** (attempt - 1))
            time.sleep(max(asked_to_wait, random.uniform(backoff / 2, backoff)))
    raise HubFailureError(f"the Hub did not answer after {retries.attempts} tries (last: {reason})")


def _reason(error: httpx2.RequestError) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "timeout"
    if isinstance(error, httpx2.ProxyError):
        return "the proxy refused"
    if isinstance(error, httpx2.ConnectError):
        return "no connection"
    return "the connection broke"
