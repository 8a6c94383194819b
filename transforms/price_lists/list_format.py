"""A form of price list: a way to read one of its documents, and a way to price a region from all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Generic, TypeVar

import polars as pl

from transforms.price_lists.price_list import PriceList

Content = TypeVar("Content")


@dataclass(frozen=True)
class Page(Generic[Content]):
    """The contents of one document, and the place of the next.

    The next is at `link`, an address of the same host, or at the list's own address with `parameters` in its query. The last
    page has neither.
    """

    content: Content
    link: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedRegion:
    """A region of one provider that a list is read for, by the catalogs' names, and `source`, where the list was read."""

    provider: str
    price_region: str
    source: str


@dataclass(frozen=True)
class ListFormat(Generic[Content]):
    """One form of price list.

    Attributes:
        parse: reads one document, from its beginning. Raises PriceListError where it is not of this form, UnicodeDecodeError
            where it is not UTF-8.
        price: the prices of a region, from the contents of all documents and the price_parts catalog.
        document_bytes: the longest document that is held whole; None for a form that is read line by line.
        key_header: the header that carries the key, for a list that asks for one.
    """

    parse: Callable[[BinaryIO], Page[Content]]
    price: Callable[[Sequence[Content], ListedRegion, pl.DataFrame], PriceList]
    document_bytes: int | None = 2**26
    key_header: str | None = None
