"""Fixtures that several rooms share: loopback Hubs and an empty lake; and where workers share what they build."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import built_once
import pytest
from loopback_hub import LoopbackHub

if TYPE_CHECKING:
    from flows.lake import Lake


LONGEST = (
    "test_recommend.py",
    "test_refresh.py",
    "test_publish.py",
    "test_size.py",
    "test_estimate.py",
    "test_grid.py",
    "test_storage.py",
    "test_readme.py",
    "test_sizing.py",
    "test_speed_fitting.py",
    "test_join.py",
)
"""The files that take longest, in that order: they start first, so that no worker has one left when the others have ended."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def _shared_by_workers(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> None:
    """Workers of one run have their directories side by side in one that is the run's."""
    own = tmp_path_factory.getbasetemp()
    built_once.keep_in(own.parent if hasattr(request.config, "workerinput") else own)


@pytest.fixture
def serve() -> Iterator[Callable[..., LoopbackHub]]:
    """Start loopback Hubs that end with the test: `serve(repos, faults=…)`."""
    with ExitStack() as stack:
        yield lambda repos, **options: stack.enter_context(LoopbackHub(repos, **options))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    from flows.lake import open_lake

    return open_lake(tmp_path / "data")
