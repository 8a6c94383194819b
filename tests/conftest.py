"""Fixtures that several rooms share: loopback Hubs and an empty lake; and where workers share what they build."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import built_once
import pytest
from loopback_hub import LoopbackHub

if TYPE_CHECKING:
    from flows.lake.lake import Lake


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker has one left when the others have ended."""

    def seconds(item: pytest.Item) -> float:
        slow = item.get_closest_marker("slow")
        return slow.args[0] if slow else 0

    items.sort(key=seconds, reverse=True)


@pytest.fixture(scope="session", autouse=True)
def _shared_by_workers(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[None]:
    """Workers of one run have their directories side by side in one that is the run's, and each its share of the processors."""
    own = tmp_path_factory.getbasetemp()
    worker = getattr(request.config, "workerinput", None)
    built_once.keep_in(own if worker is None else own.parent)
    share = (os.cpu_count() or 1) // (1 if worker is None else worker["workercount"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: max(1, share))
        yield


@pytest.fixture
def serve() -> Iterator[Callable[..., LoopbackHub]]:
    """Start loopback Hubs that end with the test: `serve(repos, faults=…)`."""
    with ExitStack() as stack:
        yield lambda repos, **options: stack.enter_context(LoopbackHub(repos, **options))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    from flows.lake.lake import open_lake

    return open_lake(tmp_path / "data")
