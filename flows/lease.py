"""A lease on a store: which refresh is at work there, and until when others wait for it.

It only advises: a store without conditional writes cannot exclude a second writer for certain. Two refreshes that take it in the
same instant each publish a whole version, and the later pointer wins. What keeps runs apart for certain is the deployment's
concurrency limit of one.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pyarrow import fs

from flows.lake import LakeError
from flows.run_log import say

LEASE = "refresh.lease"
_SECONDS = 900  # outlives a stalled network; a run renews its lease three times in it


@contextmanager
def lease(files: fs.FileSystem, url: str, owner: str) -> Iterator[None]:
    """Hold the lease while the block runs, renewed as long as this process lives.

    Args:
        files: the store.
        url: its address, for messages.
        owner: who works there; a lease of the same owner is taken over, for it is of a run that died.

    Raises LakeError when another holds it.
    """
    held = _read(files)
    if held.get("owner") not in (None, owner) and time.time() < float(str(held.get("expires", 0))):
        raise LakeError(f"another refresh is at work in {url} ({held['owner']}); wait for it to end")
    _write(files, owner)
    if _read(files).get("owner") != owner:
        raise LakeError(f"another refresh is at work in {url}; wait for it to end")
    done = threading.Event()

    def renew() -> None:
        while not done.wait(_SECONDS / 3):
            try:
                _write(files, owner)
            except OSError as error:  # the next renewal may pass; a store that is gone stops the run by itself
                say(f"{url}: the lease could not be renewed: {str(error).splitlines()[0]}")

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join()
        files.delete_file(LEASE)


def _read(files: fs.FileSystem) -> dict[str, object]:
    try:
        with files.open_input_stream(LEASE) as stream:
            held = json.loads(stream.read(4096))
    except (FileNotFoundError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def _write(files: fs.FileSystem, owner: str) -> None:
    with files.open_output_stream(LEASE) as stream:
        stream.write(json.dumps({"owner": owner, "expires": time.time() + _SECONDS}).encode())
