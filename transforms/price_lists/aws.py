"""The price list of EC2: the service price list file of one region in its CSV form.

Form: five rows of metadata (name, value), a row of column names, then one row a price (AWS Billing user guide, "Reading the
service price list file for an AWS service"). The JSON form has the same content but must be held whole to be read; this one is
read line by line. Spot prices are not in it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

import polars as pl

from transforms.price_lists.list_format import ListedRegion, ListFormat, Page
from transforms.price_lists.price_list import ListedPrice, PriceList, PriceListError, listed_once, stated_day

_METADATA_ROWS = 5

_WANTED = {
    "TermType": ("OnDemand",),
    "Unit": ("Hrs",),
    "Currency": ("USD",),
    "Product Family": ("Compute Instance", "Compute Instance (bare metal)"),
    "Operating System": ("Linux",),
    "Tenancy": ("Shared",),
    "Pre Installed S/W": ("NA", ""),
}
"""A plain Linux machine, paid by the hour."""

_WANTED_WHERE_STATED = {
    "CapacityStatus": ("Used",),
    "operation": ("RunInstances",),
    "MarketOption": ("OnDemand", ""),
    "License Model": ("No License required",),
}
"""Columns that older files lack: no capacity reservations or blocks, no licences."""

_NEEDED = ("Instance Type", "PricePerUnit", "Region Code", *_WANTED)


@dataclass(frozen=True)
class Offer:
    """The contents of an offer file: on-demand prices of accelerated machines with their region codes, and its date."""

    prices: tuple[tuple[str, ListedPrice], ...]
    dated: date | None


def parse(document: BinaryIO) -> Page[Offer]:
    """The prices of one offer file, read line by line. Raises PriceListError."""
    reader = csv.reader(io.TextIOWrapper(document, encoding="utf-8-sig", newline=""), strict=True)
    try:
        metadata = {row[0]: row[1] for row in _head(reader) if len(row) == 2}
        header = next(reader, [])
        missing = [column for column in _NEEDED if column not in header]
        if missing:
            raise PriceListError(f"no EC2 offer file: column {missing[0]!r} is missing")
        prices = tuple(_prices(reader, header))
    except csv.Error as error:
        raise PriceListError(f"no EC2 offer file: line {reader.line_num} is not CSV ({error})") from None
    return Page(Offer(prices, stated_day(metadata.get("Publication Date", ""))))


def price(offers: Sequence[Offer], region: ListedRegion, parts: pl.DataFrame) -> PriceList:
    """The on-demand prices of the accelerated machines of one region."""
    prices = listed_once(listed for offer in offers for code, listed in offer.prices if code == region.price_region)
    dated = max((offer.dated for offer in offers if offer.dated), default=None)
    return PriceList(region.provider, region.price_region, prices, region.source, dated)


FORMAT = ListFormat(parse, price, document_bytes=None)


def _head(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    for _ in range(_METADATA_ROWS):
        yield next(reader, [])


def _prices(reader: Iterator[list[str]], header: list[str]) -> Iterator[tuple[str, ListedPrice]]:
    place = {column: index for index, column in enumerate(header)}
    wanted = {**_WANTED, **{name: values for name, values in _WANTED_WHERE_STATED.items() if name in place}}
    tests = [(place[column], values) for column, values in wanted.items()]

    def cell(row: list[str], column: str) -> str:
        return row[place[column]] if column in place else ""

    for row in reader:
        if len(row) != len(header) or any(row[index] not in values for index, values in tests):
            continue
        gpu_count = _number(cell(row, "GPU"))
        if gpu_count is None and not row[place["Instance Type"]].startswith(_ACCELERATED_WITHOUT_GPU):
            continue
        usd = _number(row[place["PricePerUnit"]])
        if usd is not None:
            memory = _number(cell(row, "Memory").removesuffix("GiB"))
            vcpu, shape = _number(cell(row, "vCPU")), row[place["Instance Type"]]
            yield row[place["Region Code"]], ListedPrice(shape, "on_demand", usd, True, gpu_count, vcpu, memory)


_ACCELERATED_WITHOUT_GPU = ("inf", "trn", "dl")
"""Families whose accelerators are no GPUs, so that the column GPU may be empty (Inferentia, Trainium, Gaudi)."""


def _number(text: str) -> float | None:
    cleaned = text.strip().replace(",", "")
    return float(cleaned) if re.fullmatch(r"\d{1,12}(\.\d{1,12})?", cleaned) else None
