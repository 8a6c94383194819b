"""Measure a concurrency sweep: at a concurrency of n, n workers keep one workflow item each under way.

A pass is the concurrency's worth of items. Every request and item is written as it ends, before anything is estimated. A
failing item stops its concurrency: what is under way is finished and kept, and the concurrency is marked interrupted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import TYPE_CHECKING

from flows.size.dataset import DatasetInput
from flows.size.endpoint import Endpoint, TimedRequest, open_client, send, served_model
from flows.size.sweep_store import SweepWriter

if TYPE_CHECKING:
    import httpx2

RETRY_PAUSE_S = 0.5
"""Pause before the first retry; it doubles with each further one."""


@dataclass(frozen=True)
class SweepPlan:
    """The requests of a sweep: concurrencies in order, passes at each (0: as the dataset's size gives), retries of a request."""

    concurrencies: tuple[int, ...]
    num_passes: int = 0
    retries: int = 0

    def items_at(self, concurrency: int, dataset_size: int) -> int:
        """Items sent at a concurrency: the passes asked for, else as many whole ones as the dataset fills, at least one."""
        passes = self.num_passes or max(1, dataset_size // concurrency)
        return passes * concurrency


@dataclass(frozen=True)
class LevelResult:
    """The end of one concurrency: items that ended well and that failed, seconds it took, the first error."""

    concurrency: int
    items: int
    failed_items: int
    total_runtime_s: float
    error: str | None


@dataclass(frozen=True)
class SweepWatcher:
    """Callbacks for a sweep's progress: each level's start, each item's end (true if it went well), each level's end."""

    level_started: Callable[[int, int], None] = lambda concurrency, items: None
    item_ended: Callable[[int, bool], None] = lambda concurrency, ok: None
    level_ended: Callable[[LevelResult], None] = lambda level: None


async def measure_sweep(
    endpoint: Endpoint, dataset: Sequence[DatasetInput], plan: SweepPlan, writer: SweepWriter, watcher: SweepWatcher | None = None
) -> list[LevelResult]:
    """Measure every concurrency of the plan, one after the other, and return how each ended.

    Everything measured is in the writer's journals when this returns, is cancelled, or its process is killed.
    """
    watcher = watcher or SweepWatcher()
    levels = []
    async with open_client(endpoint, max(plan.concurrencies)) as client:
        if endpoint.api != "workflow" and endpoint.model is None:
            endpoint = replace(endpoint, model=await served_model(client, endpoint))
        for concurrency in plan.concurrencies:
            count = plan.items_at(concurrency, len(dataset))
            watcher.level_started(concurrency, count)
            levels.append(await _measure_level(client, endpoint, dataset, plan, concurrency, count, writer, watcher))
            watcher.level_ended(levels[-1])
    return levels


async def _measure_level(
    client: httpx2.AsyncClient,
    endpoint: Endpoint,
    dataset: Sequence[DatasetInput],
    plan: SweepPlan,
    concurrency: int,
    count: int,
    writer: SweepWriter,
    watcher: SweepWatcher,
) -> LevelResult:
    level: dict[str, object] = {
        "concurrency": concurrency,
        "passes": count // concurrency,
        "planned_items": count,
        "started_at": datetime.now(UTC).isoformat(),
        "total_runtime_s": None,
        "workflow_interrupted": True,  # until it has ended well: a kill leaves it so
    }
    writer.append("sweep_levels", [level])
    start = time.perf_counter()
    queue = enumerate(islice(cycle(dataset), count), 1)
    errors: list[str] = []
    ended = 0

    async def worker() -> None:
        nonlocal ended
        for number, item in _until(queue, errors):
            timed = await _send_item(client, endpoint, item, plan.retries)
            requests, row = _rows(timed, concurrency, number, item, endpoint, start)
            writer.append("requests", requests)
            writer.append("workflow_items", [row])
            ended += 1
            if row["request_status"] == "failed":
                errors.append(str(row["error"]))
            watcher.item_ended(concurrency, row["request_status"] == "ok")

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker())
    finally:
        total_runtime_s = time.perf_counter() - start
        level["total_runtime_s"] = total_runtime_s
        level["workflow_interrupted"] = bool(errors) or ended < count
        writer.append("sweep_levels", [level])
    return LevelResult(concurrency, ended - len(errors), len(errors), total_runtime_s, errors[0] if errors else None)


def _until(queue: Iterator[tuple[int, DatasetInput]], errors: list[str]) -> Iterator[tuple[int, DatasetInput]]:
    """The queue's items, as long as none has failed."""
    while not errors:
        entry = next(queue, None)
        if entry is None:
            return
        yield entry


async def _send_item(client: httpx2.AsyncClient, endpoint: Endpoint, item: DatasetInput, retries: int) -> list[TimedRequest]:
    """The requests of one item in order, retries included; the last one tells whether the item went well."""
    sent: list[TimedRequest] = []
    messages: list[object] = []
    for turn in item.turns:
        body: object = turn
        if endpoint.api == "chat":
            messages += turn if isinstance(turn, list) else [{"role": "user", "content": turn}]
            body = list(messages)
        for attempt in range(retries + 1):
            if attempt:
                await asyncio.sleep(RETRY_PAUSE_S * 2 ** (attempt - 1))
            timed = await send(client, endpoint, body)
            sent.append(timed)
            if timed.error is None:
                break
        if sent[-1].error is not None:
            break
        messages.append({"role": "assistant", "content": sent[-1].text})
        sent[-1].text = ""
    return sent


def _rows(
    sent: list[TimedRequest], concurrency: int, number: int, item: DatasetInput, endpoint: Endpoint, start: float
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """The rows of `requests` and `workflow_items` for one item; times count from the level's start."""
    place = {"concurrency": concurrency, "pass_number": (number - 1) // concurrency + 1, "item": number}
    kind = "workflow" if endpoint.api == "workflow" else "llm"
    requests: list[dict[str, object]] = [
        {
            **place,
            "call": call,
            "request_kind": kind,
            "start_s": timed.start - start,
            "first_token_s": timed.first_token and timed.first_token - start,
            "last_token_s": timed.last_token and timed.last_token - start,
            "end_s": (timed.end or timed.start) - start,
            "request_input_tokens": timed.input_tokens,
            "request_output_tokens": timed.output_tokens,
            "request_status": "ok" if timed.error is None else "failed",
            "http_status": timed.http_status,
            "error": timed.error,
        }
        for call, timed in enumerate(sent, 1)
    ]
    for timed in sent:
        requests += [
            {
                **place,
                "call": len(requests) + index,
                "request_kind": "llm",
                "start_s": timed.start - start + begun,
                "end_s": timed.start - start + ended,
                "request_status": "ok",
            }
            for index, (begun, ended) in enumerate(timed.llm_calls, 1)
        ]
    ok = sent[-1].error is None
    latencies = [] if kind == "workflow" else [(timed.end or timed.start) - timed.start for timed in sent if timed.error is None]
    latencies += [ended - begun for timed in sent for begun, ended in timed.llm_calls]
    first, last = sent[0].start - start, (sent[-1].end or sent[-1].start) - start
    return requests, {
        **place,
        "dataset_item": item.key,
        "start_s": first,
        "end_s": last,
        "workflow_runtime_s": last - first,
        "llm_latency_s": max(latencies, default=None),
        "request_status": "ok" if ok else "failed",
        "error": sent[-1].error,
    }
