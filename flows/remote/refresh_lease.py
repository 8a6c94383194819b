"""A lease on a store: which refresh is at work there.

It is one object, taken, renewed and given back by conditional writes alone (`If-None-Match: *` where there is none, `If-Match`
with the version that was read where there is one): of two refreshes that reach for it at once, the store lets one through. A
lease that has run out is taken over in the same way, so that a run that died keeps nobody out for longer than a quarter of an
hour.

What it promises: nobody else holds the lease at the moment it is confirmed, and a refresh confirms it before it switches the
pointer. A run that stalled past its time and was replaced therefore publishes nothing. What it needs: a store that honours these
conditions, as S3 does (one that ignores them makes the lease advice, and the pointer's own condition with it), and clocks that
agree to within minutes, because each side judges by its own whether a lease has run out.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import ObjectStore

from flows.lake.lake import LakeError
from flows.printing.progress import say

LEASE = "refresh.lease"
_SECONDS = 900  # outlives a stalled network; a run renews its lease three times in it
_LONGEST_LEASE = 4096


@contextmanager
def lease(objects: ObjectStore, url: str, owner: str) -> Iterator[Callable[[], None]]:
    """Hold the lease while the block runs, renewed as long as this process lives; yields a function that confirms it.

    Args:
        objects: the store.
        url: its address, for messages.
        owner: who works there; a lease of the same owner is taken over, because its run must have died.

    Raises LakeError when another holds it, at the beginning or when it is to be confirmed.
    """
    version = _take(objects, url, owner)
    one_at_a_time = threading.Lock()
    done = threading.Event()

    def confirm() -> None:
        nonlocal version
        with one_at_a_time:
            version = _write(objects, url, owner, time.time() + _SECONDS, version)

    def renew() -> None:
        while not done.wait(_SECONDS / 3):
            try:
                confirm()
            except (BaseError, LakeError) as error:  # the next may pass; what was lost is said when it is to be confirmed
                say(f"{url}: the lease could not be renewed: {str(error).splitlines()[0]}")

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield confirm
    finally:
        done.set()
        renewing.join()
        _give_back(objects, url, owner, version)


def _take(objects: ObjectStore, url: str, owner: str) -> str:
    text, version = _read(objects)
    holder, expires = _holder(text)
    if holder not in (None, owner) and time.time() < expires:
        raise _at_work(url, holder)
    return _write(objects, url, owner, time.time() + _SECONDS, version)


def _write(objects: ObjectStore, url: str, owner: str, expires: float, version: str | None) -> str:
    """Write the lease over the version that was read, or where there was none; its new version. Raises LakeError."""
    text = json.dumps({"owner": owner, "expires": expires, "written": uuid.uuid4().hex}).encode()
    try:
        return str(obstore.put(objects, LEASE, text, mode={"e_tag": version} if version else "create")["e_tag"])
    except (AlreadyExistsError, PreconditionError):
        found, its_version = _read(objects)
        if found == text and its_version:  # written, but the answer was lost and the write was tried again
            return its_version
        raise _at_work(url, _holder(found)[0]) from None


def _give_back(objects: ObjectStore, url: str, owner: str, version: str) -> None:
    try:
        _write(objects, url, owner, 0.0, version)
    except LakeError:  # another has it already
        say(f"{url}: the lease of this refresh had been taken over")


def _read(objects: ObjectStore) -> tuple[bytes, str | None]:
    try:
        found = obstore.get(objects, LEASE)
    except FileNotFoundError:
        return b"", None
    return bytes(found.bytes())[:_LONGEST_LEASE], found.meta["e_tag"]


def _holder(text: bytes) -> tuple[str | None, float]:
    """The holder of a lease and its end (seconds since 1970); None where it cannot be read."""
    try:
        held = json.loads(text)
        return str(held["owner"]), float(held["expires"])
    except (ValueError, TypeError, KeyError):
        return None, 0.0


def _at_work(url: str, holder: str | None) -> LakeError:
    return LakeError(f"another refresh is at work in {url} ({holder or 'unnamed'}); wait for it to end")
