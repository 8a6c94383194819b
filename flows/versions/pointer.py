"""The link `latest`: which version readers open."""

from __future__ import annotations

import os

from flows.system.whole_file import sync
from flows.versions.retention import mark_superseded
from flows.versions.versions import Versions


def point_latest(versions: Versions, run_id: str) -> None:
    """Make `latest` name a version that is already in its place, in one atomic step."""
    outgoing = versions.latest()
    if outgoing is not None and outgoing.name != run_id:
        mark_superseded(outgoing)
    temporary = versions.root / f".latest.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(run_id, target_is_directory=True)
    temporary.replace(versions.latest_link)
    sync(versions.root)
