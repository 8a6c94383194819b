"""Rows of a crawl, put into a journal as it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from small_repos import crawled

from flows.crawl.fetch_model import FetchedModel
from flows.crawl.journal import Journal
from flows.lake.lake import Lake
from transforms.tables.records import HubFiles

NOW = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def row(model_id: str, **changes: object) -> HubFiles:
    facts = {"sha": "a1", "config_json": '{"naïve": "\\u2028"}', "header_summary": "{}", "downloads": 1, "last_modified": NOW}
    return replace(HubFiles(model_id, "ok", "hub", NOW), **{**facts, **changes})  # type: ignore[arg-type]


def table(lake: Lake) -> dict[str, dict[str, object]]:
    return {entry["model_id"]: entry for entry in crawled(lake).drop("read_at").to_dicts()}


def journal(lake: Lake, *results: FetchedModel, full: bool = False) -> None:
    with Journal(lake, full) as opened:
        opened.append(results)
