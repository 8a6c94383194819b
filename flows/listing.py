"""Listings of the Hub: the metadata of up to a thousand models in one request, page by page.

A listing says of each model whether its commit is the one that the lake holds; only the others cost further requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from threading import Event

import httpx2
import orjson

from flows.hub import LISTED, Hub, open_url, read_body
from flows.throttle import HubFailureError, NonsenseAnswerError, with_retries
from transforms.model_list import HubQuery

Metadata = Mapping[str, object]
"""One model as the Hub's API describes it, unchecked."""

PAGE_MODELS = 1_000
"""Models of one page, the most that the Hub lists in one answer."""

_PAGE_BYTES = 100 * 2**20
_PAGE_PARTS = 5_000_000
_IDS_PER_PAGE = 4
_MOST_PAGES = 10_000  # ten million models: a listing without end is none
_SORTS = {"last_modified": "lastModified", "created_at": "createdAt", "trending_score": "trendingScore"}


def list_query(hub: Hub, query: HubQuery) -> Iterator[list[Metadata]]:
    """The models that a query names, in the Hub's order, page by page.

    Raises huggingface_hub's errors, HubFailureError when the Hub does not answer, BudgetSpentError when the day's requests are
    used up; the pages before are then facts all the same.
    """
    terms: list[tuple[str, str]] = [
        (name, value) for name in ("pipeline_tag", "author", "search", "filter") if (value := getattr(query, name)) is not None
    ]
    if query.sort is not None:
        terms.append(("sort", _SORTS.get(query.sort, query.sort)))
    left = query.limit
    for page in _pages(hub, terms, PAGE_MODELS if left is None else min(PAGE_MODELS, left), ahead=left is None):
        yield page if left is None else page[:left]
        if left is not None:
            left -= len(page)
            if left <= 0:
                return


def _pages(hub: Hub, terms: list[tuple[str, str]], models: int, ahead: bool) -> Iterator[list[Metadata]]:
    """The pages of a listing; `ahead` asks for the next page while one still arrives, for whoever wants them all."""
    first = httpx2.URL(
        f"{hub.endpoint}/api/models", params=[*terms, ("limit", str(models)), *(("expand", name) for name in LISTED)]
    )
    address = str(first)
    seen = {address}
    with ThreadPoolExecutor(2, "listing") as pool:
        answer = _Answer(pool, hub, address)
        while True:
            address = str(first.join(following)) if (following := answer.following()) else ""
            more = bool(address) and address not in seen and len(seen) < _MOST_PAGES
            seen.add(address)
            asked = _Answer(pool, hub, address) if more and ahead else None
            entries = [entry for entry in answer.page() if isinstance(entry, dict)]
            yield entries
            if not more or not entries:
                return
            answer = asked or _Answer(pool, hub, address)


class _Answer:
    """A page that was asked for: the address of the next one is known as soon as the headers are there, before the page."""

    def __init__(self, pool: Executor, hub: Hub, address: str) -> None:
        self._hub = hub
        self._address = address
        self._headed = Event()
        self._following = ""
        self._body = pool.submit(self._fetch)

    def following(self) -> str:
        """The address of the next page, none where this one cannot be had."""
        self._headed.wait()
        return self._following

    def page(self) -> list[object]:
        """The entries of this page, parsed by whoever asks. Raises what fetching it raised."""
        return _parsed(self._body.result())

    def _fetch(self) -> bytes:
        try:
            return with_retries(self._ask, "api", self._hub.throttle, self._hub.retries)
        finally:
            self._headed.set()

    def _ask(self) -> bytes:
        with open_url(self._hub, "listing", self._address, self._hub.headers) as response:
            self._following = response.links.get("next", {}).get("url", "")
            self._headed.set()
            body = read_body(response, _PAGE_BYTES, "a page of the listing")
        if not body.lstrip()[:1] == b"[" or not body.rstrip().endswith(b"]"):
            raise NonsenseAnswerError("an answer that is not what the Hub sends")
        return body


def _parsed(body: bytes) -> list[object]:
    page = None
    if body.count(b"[") + body.count(b"{") <= _PAGE_PARTS:
        try:
            page = orjson.loads(body)
        except ValueError:  # stricter than the Hub, whose texts may hold half of a character: no model's text costs the others
            with suppress(ValueError, RecursionError):
                page = json.loads(body)
    if not isinstance(page, list):
        raise HubFailureError("the Hub's listing is not what it sends")
    return page


def list_authors(hub: Hub, model_ids: Iterable[str]) -> Iterator[list[Metadata]]:
    """Models that are wanted by id, where their owner's listing brings them in fewer requests than they are; page by page.

    The Hub has no route for many ids at once. An owner with many wanted models is listed, newest first, for at most a quarter of
    the requests that asking one by one would cost; what is not among them is left to be asked for. Raises like `list_query`.
    """
    wanted: dict[str, set[str]] = {}
    for model_id in model_ids:
        author, slash, _ = model_id.partition("/")
        if slash:
            wanted.setdefault(author, set()).add(model_id)
    for author, ids in wanted.items():
        pages = _pages(hub, [("author", author), ("sort", "lastModified")], PAGE_MODELS, ahead=False)
        for page in islice(pages, len(ids) // _IDS_PER_PAGE):
            brought = [entry for entry in page if isinstance(entry.get("id"), str) and entry["id"] in ids]
            yield brought
            ids.difference_update(entry["id"] for entry in brought)  # type: ignore[misc]
            if not ids:
                break
