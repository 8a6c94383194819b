"""Price lists from where they are: bounded, timed and retried downloads, or a file."""

from __future__ import annotations

import io
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import httpx2
import polars as pl

from flows.hub.pauses_and_retries import retry_after
from transforms.price_lists.aws import parse_aws_offer
from transforms.price_lists.azure import azure_prices, parse_azure_page
from transforms.price_lists.gcp import UnitPrice, gcp_prices, parse_gcp_page
from transforms.price_lists.oci import parse_oci_products
from transforms.price_lists.price_list import PriceList, PriceListError

_TIMEOUT = httpx2.Timeout(60.0, connect=10.0)
_LIST_SECONDS = 1800.0  # one document, however slowly it drips
_ATTEMPTS = 4
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 60.0
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_KEY_HEADER = "X-Goog-Api-Key"  # Google Cloud, "Use API keys to access APIs"
_KEY_REFUSED = frozenset({400, 401, 403})  # Google answers 400 to a key that it does not know
_IN_MEMORY_BYTES = 2**24
_JSON_BYTES = 2**26  # documents that are held whole
_CHUNK_BYTES = 2**18


@dataclass(frozen=True)
class Bounds:
    """How much of a price list is read: bytes of all its documents together, and pages."""

    max_bytes: int
    max_pages: int


def read_price_lists(
    sources: Sequence[dict[str, object]], address: str, bounds: Bounds, parts: pl.DataFrame, key: str | None = None
) -> list[PriceList]:
    """The price lists of rows of the price_sources catalog that are one document, one for each row.

    Args: the rows, of one provider and form; the address: their URL, another, or a file; the bounds; the price_parts catalog; the
    key that the list asks for, which is sent to this address. Raises PriceListError, with what is wrong with it.
    """
    named = [(str(source["provider"]), str(source["price_region"]), shown(address)) for source in sources]
    form = sources[0]["list_format"]
    try:
        if form == "aws_offer_csv":
            return [_aws_offer(address, bounds, *each) for each in named]
        if form == "azure_retail":
            items = _azure_items(address, bounds)
            return [azure_prices(items, *each) for each in named]
        if form == "gcp_skus":
            units = _gcp_unit_prices(address, bounds, key)
            return [gcp_prices(units, *each, parts) for each in named]
        products = _whole(address, bounds.max_bytes)
        return [parse_oci_products(products, *each, parts) for each in named]
    except UnicodeDecodeError:
        raise PriceListError("it is not UTF-8 text") from None


def shown(address: str) -> str:
    """An address as the source of a price: without its query, which may be long."""
    return address.partition("?")[0] if is_url(address) else Path(address).name


def is_url(address: str) -> bool:
    """Whether an address is to be asked for over HTTP; otherwise it is the path of a file."""
    return address.startswith(("https://", "http://"))


@contextmanager
def opened(address: str, max_bytes: int, key: str | None = None) -> Iterator[IO[bytes]]:
    """The bytes of a URL or a file, from the beginning. Raises PriceListError where it cannot be read or is too long."""
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
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as copy:
        _download(address, copy, max_bytes, key)
        copy.seek(0)
        yield copy  # type: ignore[misc]


def _whole(address: str, max_bytes: int, key: str | None = None) -> bytes:
    with opened(address, min(max_bytes, _JSON_BYTES), key) as stream:
        return stream.read()


def _aws_offer(address: str, bounds: Bounds, provider: str, price_region: str, source: str) -> PriceList:
    with opened(address, bounds.max_bytes) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as lines:
        return parse_aws_offer(lines, provider, price_region, source)


def _azure_items(address: str, bounds: Bounds) -> list[dict[str, object]]:
    """The items of every page; a page may only point to the same host. A file is one page."""
    items: list[dict[str, object]] = []
    room = bounds.max_bytes
    following: str | None = address
    for _ in range(bounds.max_pages):
        text = _whole(following, room)
        room -= len(text)
        page, link = parse_azure_page(text)
        items += page
        if link is None or not is_url(address):
            return items
        if _host(link) != _host(address):
            raise PriceListError(f"a page points to another host: {shown(link)[:80]}")
        following = link
    raise PriceListError(f"it has more than {bounds.max_pages} pages")


def _gcp_unit_prices(address: str, bounds: Bounds, key: str | None) -> list[UnitPrice]:
    """The unit prices of every page: each is the same address with the token that the one before names. A file is one page."""
    units: list[UnitPrice] = []
    room = bounds.max_bytes
    following = address
    for _ in range(bounds.max_pages):
        text = _whole(following, room, key)
        room -= len(text)
        page, token = parse_gcp_page(text)
        units += page
        if token is None or not is_url(address):
            return units
        following = str(httpx2.URL(address).copy_set_param("pageToken", token))
    raise PriceListError(f"it has more than {bounds.max_pages} pages")


def _host(address: str) -> tuple[str, str, int]:
    url = httpx2.URL(address)
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _download(address: str, copy: IO[bytes], max_bytes: int, key: str | None) -> None:
    """Fetch what an address answers, tried again after errors that pass. Raises PriceListError.

    A key goes in a header: an address ends up in logs and messages.
    """
    headers = {_KEY_HEADER: key} if key else {}
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
                    to_key = " to the key that was given" if key and response.status_code in _KEY_REFUSED else ""
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


def _copy(response: httpx2.Response, copy: IO[bytes], max_bytes: int) -> None:
    started = time.monotonic()
    size = 0
    for chunk in response.iter_bytes(_CHUNK_BYTES):
        size += len(chunk)
        if size > max_bytes:
            raise PriceListError(f"it is longer than the {max_bytes:,} bytes that are read")
        if time.monotonic() - started > _LIST_SECONDS:
            raise PriceListError(f"it took longer than {_LIST_SECONDS:.0f} s")
        copy.write(chunk)
