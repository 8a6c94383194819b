"""The steps of a refresh without a Prefect server around them: the same functions, called one after another."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable


def leave_prefect_out(patch: Callable[[object, str, object], None]) -> None:
    """Replace flows and tasks by the functions that they wrap, through something like `setattr`."""
    from flows import refresh
    from flows.estimate import estimate_flow
    from flows.estimate.grid import one_by_one
    from flows.nightly import run_once

    patch(estimate_flow, "get_run_logger", lambda: logging.getLogger(__name__))
    patch(estimate_flow, "_as_tasks", one_by_one)
    patch(refresh, "estimate_grid", estimate_flow.estimate.fn)
    patch(refresh, "crawl_models", refresh.fetch_hub_files.fn)
    patch(refresh, "extract_models", refresh.extract_facts.fn)
    patch(refresh, "publish_version", refresh.join_and_publish.fn)
    patch(refresh, "create_markdown_artifact", lambda *artifact, **options: None)
    patch(run_once, "start_server", lambda data: None)
    patch(run_once, "prefect_home", lambda server: contextlib.nullcontext())
    patch(refresh, "refresh", refresh.refresh.fn)
