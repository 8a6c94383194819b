"""Price lists from where they are: bounded, timed and retried downloads, or a file."""

from __future__ import annotations

import io
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import httpx2
import polars as pl

from flows.hub.pauses_and_retries import retry_after
from transforms.price_lists.formats import list_format
from transforms.price_lists.list_format import ListedRegion, ListFormat, Page
from transforms.price_lists.price_list import PriceList, PriceListError

_TIMEOUT = httpx2.Timeout(60.0, connect=10.0)
_LIST_SECONDS = 1800.0  # one document, however slowly it drips
_ATTEMPTS = 4
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 60.0
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_KEY_REFUSED = frozenset({400, 401, 403})  # Google answers 400 to a key that it does not know
_IN_MEMORY_BYTES = 2**24
_CHUNK_BYTES = 2**18


@dataclass(frozen=True)
class DownloadBounds:
    """Bounds of a price list: bytes of all its documents together, and pages."""

    max_bytes: int
    max_pages: int


def read_price_lists(
    sources: Sequence[dict[str, object]], address: str, bounds: DownloadBounds, parts: pl.DataFrame, key: str | None = None
) -> list[PriceList]:
    """The price lists of rows of the price_sources catalog that are one list, one for each row.

    Args:
        sources: the rows, of one provider and form.
        address: their URL, another, or a file.
        bounds: how much is read.
        parts: the price_parts catalog.
        key: the key that the list asks for, which is sent to this address.

    Raises PriceListError, which says what is wrong with the list, also where its form is unknown.
    """
    form = list_format(str(sources[0]["list_format"]))
    try:
        contents = _contents(address, form, bounds, key)
    except UnicodeDecodeError:
        raise PriceListError("it is not UTF-8 text") from None
    regions = [ListedRegion(str(source["provider"]), str(source["price_region"]), shown(address)) for source in sources]
    return [form.price(contents, region, parts) for region in regions]


def shown(address: str) -> str:
    """An address as the source of a price: without its query, which may be long."""
    return address.partition("?")[0] if is_url(address) else Path(address).name


def is_url(address: str) -> bool:
    """True for an address of HTTP; any other is the path of a file."""
    return address.startswith(("https://", "http://"))


@contextmanager
def opened(address: str, max_bytes: int, headers: Mapping[str, str] | None = None) -> Iterator[BinaryIO]:
    """The bytes of a URL or a file, from the beginning. Raises PriceListError where it cannot be read or is too long.

    Headers hold the key, where one is sent.
    """
    if not is_url(address):
        path = Path(address)
        try:
            size = path.stat().st_size
            if size > max_bytes:
                raise PriceListError(f"it has {size:,} bytes, more than the {max_bytes:,} that are read")
            with path.open("rb") as stream:
                yield stream
        except OSError as error:
            raise PriceListError(f"it cannot be read: {error.strerror or error}") from None
        return
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spooled:
        copy = cast(BinaryIO, spooled)  # what it does, though not what it is declared as
        _download(address, copy, max_bytes, headers or {})
        copy.seek(0)
        yield copy


def _contents(address: str, form: ListFormat[Any], bounds: DownloadBounds, key: str | None) -> list[Any]:
    """The contents of a list's pages, in order. A file is one page."""
    headers = {form.key_header: key} if form.key_header and key else {}
    contents = []
    room = bounds.max_bytes
    following = address
    for _ in range(bounds.max_pages):
        with opened(following, room if form.document_bytes is None else min(room, form.document_bytes), headers) as document:
            if is_url(address):  # a file may be a pipe, which is read once
                document.seek(0, io.SEEK_END)
                room -= document.tell()
                document.seek(0)
            page = form.parse(document)
        contents.append(page.content)
        link = _next_address(address, page) if is_url(address) else None
        if link is None:
            return contents
        following = link
    raise PriceListError(f"it has more than {bounds.max_pages} pages")


def _next_address(address: str, page: Page[Any]) -> str | None:
    """The address of the page after this one, None after the last. Raises PriceListError for a link to another host."""
    if page.link is not None:
        if _host(page.link) != _host(address):
            raise PriceListError(f"a page points to another host: {shown(page.link)[:80]}")
        return page.link
    return str(httpx2.URL(address).copy_merge_params(dict(page.parameters))) if page.parameters else None


def _host(address: str) -> tuple[str, str, int]:
    url = httpx2.URL(address)
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _download(address: str, copy: BinaryIO, max_bytes: int, headers: Mapping[str, str]) -> None:
    """Fetch what an address answers, tried again after errors that pass. Raises PriceListError.

    A key goes in a header: an address ends up in logs and messages.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        copy.seek(0)
        copy.truncate()
        wait = 0.0
        try:
            with _client().stream("GET", address, headers=headers) as response:
                if response.status_code == 200:
                    _copy(response, copy, max_bytes)
                    return
                reason = f"HTTP {response.status_code}"
                if response.status_code not in _RETRIED_STATUS:
                    to_key = " to the key that was given" if headers and response.status_code in _KEY_REFUSED else ""
                    raise PriceListError(f"it answers {reason}{to_key}")
                wait = min(retry_after(response.headers) or 0.0, _LONGEST_DELAY_S)
        except httpx2.InvalidURL as error:
            raise PriceListError(f"it is no address: {error}") from None
        except httpx2.HTTPError as error:
            reason = "no connection" if isinstance(error, httpx2.ConnectError) else str(error) or type(error).__name__
        if attempt < _ATTEMPTS:
            time.sleep(max(wait, random.uniform(0.5, 1.0) * _FIRST_DELAY_S * 2 ** (attempt - 1)))
    raise PriceListError(f"no answer after {_ATTEMPTS} tries (last: {reason})")


@cache
def _client() -> httpx2.Client:
    """One client for every list, so that pages share a connection. It follows no redirect: addresses are catalogued."""
    return httpx2.Client(timeout=_TIMEOUT, follow_redirects=False)


def _copy(response: httpx2.Response, copy: BinaryIO, max_bytes: int) -> None:
    started = time.monotonic()
    size = 0
    for chunk in response.iter_bytes(_CHUNK_BYTES):
        size += len(chunk)
        if size > max_bytes:
            raise PriceListError(f"it is longer than the {max_bytes:,} bytes that are read")
        if time.monotonic() - started > _LIST_SECONDS:
            raise PriceListError(f"it took longer than {_LIST_SECONDS:.0f} s")
        copy.write(chunk)
