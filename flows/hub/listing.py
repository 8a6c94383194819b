"""Listings of the Hub: the metadata of up to a thousand models in one request, page by page.

A listing says of each model whether its commit is the one that the lake holds; only the others cost further requests. Most of a
page is lists of files and tags of models that have not changed: of those no object is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from threading import Event
from typing import Any, NamedTuple, TypedDict

import httpx2
import msgspec

from flows.hub.client import LISTED, Hub, open_url, read_body
from flows.hub.pauses_and_retries import HubFailureError, NonsenseAnswerError, with_retries
from transforms.catalogs.model_list import HubQuery
from transforms.config.json_text import storable

Metadata = Mapping[str, object]
"""One model as the Hub's API describes it, unchecked."""


class EntryFields(TypedDict, total=False):
    """The fields of an entry that are read at once: the commit, and what may change while it stays the same; unchecked."""

    id: Any
    sha: Any
    gated: Any
    private: Any
    disabled: Any
    downloads: Any
    likes: Any
    lastModified: Any


class PageEntry(NamedTuple):
    """One model of a page: the fields that are read at once, and all that the page says of it, as text."""

    fields: EntryFields
    text: msgspec.Raw

    def whole(self) -> Metadata:
        """All that the page says. Raises RecursionError where it is nested too deep."""
        return msgspec.json.decode(self.text)


_PAGE = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS = msgspec.json.Decoder(EntryFields)

PAGE_MODELS = 1_000
"""Models of one page, the most that the Hub lists in one answer."""

_PAGE_BYTES = 100 * 2**20
_PAGE_PARTS = 5_000_000
_IDS_PER_PAGE = 4
_MOST_PAGES = 10_000  # ten million models: a longer listing is an error
_SORTS = {"last_modified": "lastModified", "created_at": "createdAt", "trending_score": "trendingScore"}


def list_query(hub: Hub, query: HubQuery) -> Iterator[list[PageEntry]]:
    """The models that a query names, in the Hub's order, page by page.

    Raises huggingface_hub's errors, HubFailureError when the Hub does not answer, BudgetSpentError when the day's requests are
    used up; the pages before are then facts all the same.
    """
    terms: list[tuple[str, str]] = [
        (name, value) for name in ("pipeline_tag", "author", "search") if (value := getattr(query, name)) is not None
    ]
    terms += [("filter", tag) for tag in (query.filter or "").split(",") if tag]
    if query.sort is not None:
        terms.append(("sort", _SORTS.get(query.sort, query.sort)))
    left = query.limit
    for page in _pages(hub, terms, PAGE_MODELS if left is None else min(PAGE_MODELS, left), ahead=left is None):
        yield page if left is None else page[:left]
        if left is not None:
            left -= len(page)
            if left <= 0:
                return


def _pages(hub: Hub, terms: list[tuple[str, str]], models: int, ahead: bool) -> Iterator[list[PageEntry]]:
    """The pages of a listing; `ahead` asks for the next page while one still arrives, which pays where all are wanted."""
    first = httpx2.URL(
        f"{hub.endpoint}/api/models", params=[*terms, ("limit", str(models)), *(("expand", name) for name in LISTED)]
    )
    address = str(first)
    seen = {address}
    with ThreadPoolExecutor(2, "listing") as pool:
        answer = _RequestedPage(pool, hub, address)
        while True:
            address = str(first.join(following)) if (following := answer.following()) else ""
            more = bool(address) and address not in seen and len(seen) < _MOST_PAGES
            seen.add(address)
            asked = _RequestedPage(pool, hub, address) if more and ahead else None
            entries = answer.page()
            yield entries
            if not more or not entries:
                return
            answer = asked or _RequestedPage(pool, hub, address)


class _RequestedPage:
    """A page that was asked for: the address of the next one is known as soon as the headers are there, before the page."""

    def __init__(self, pool: Executor, hub: Hub, address: str) -> None:
        self._hub = hub
        self._address = address
        self._headed = Event()
        self._following = ""
        self._body = pool.submit(self._fetch)

    def following(self) -> str:
        """The address of the next page; empty after the last, and where this one cannot be had."""
        self._headed.wait()
        return self._following

    def page(self) -> list[PageEntry]:
        """The entries of this page, parsed in the calling thread. Raises what fetching it raised."""
        return list(_parsed(self._body.result()))

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


def _parsed(body: bytes) -> Iterator[PageEntry]:
    if body.count(b"[") + body.count(b"{") > _PAGE_PARTS:
        raise HubFailureError("the Hub's listing is longer than any page of it")
    try:
        texts = _texts(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise HubFailureError("the Hub's listing is not what it sends") from None
    for text in texts:
        with suppress(msgspec.DecodeError):  # a malformed entry is left out
            yield PageEntry(_FIELDS.decode(text), text)


def _texts(body: bytes) -> list[msgspec.Raw]:
    try:
        return _PAGE.decode(body)
    except msgspec.DecodeError:  # it is stricter than the Hub, whose texts may hold half a character
        return _PAGE.decode(storable(json.dumps(json.loads(body), ensure_ascii=False)))


def list_authors(hub: Hub, model_ids: Iterable[str]) -> Iterator[list[PageEntry]]:
    """Models that are wanted by id, page by page, where listing their owner costs fewer requests than asking for each.

    The Hub has no route for many ids at once. An owner with many wanted models is listed, newest first, for at most a quarter of
    the requests that asking one by one would cost; models that this does not bring are left to be asked for. Raises like
    `list_query`.
    """
    wanted: dict[str, set[str]] = {}
    for model_id in model_ids:
        author, slash, _ = model_id.partition("/")
        if slash:
            wanted.setdefault(author, set()).add(model_id)
    for author, ids in wanted.items():
        pages = _pages(hub, [("author", author), ("sort", "lastModified")], PAGE_MODELS, ahead=False)
        for page in islice(pages, len(ids) // _IDS_PER_PAGE):
            brought = [entry for entry in page if isinstance(name := entry.fields.get("id"), str) and name in ids]
            yield brought
            ids.difference_update(entry.fields["id"] for entry in brought)
            if not ids:
                break
