"""Fixtures that several rooms share: loopback Hubs and an empty lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from loopback_hub import LoopbackHub

if TYPE_CHECKING:
    from flows.lake import Lake


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
